import { expect, it } from 'vitest';
import { proxyVariables } from './proxy-variables.ts';

it("the proxy is given how this computer gets out, and none of the user's other variables", () => {
  const way = { https_proxy: 'http://me:secret@proxy:3128', NO_PROXY: 'localhost', ALL_PROXY: 'x' };
  expect(proxyVariables({ ...way, API_TOKEN: 'x', proxy: 'x', HTTP_PROXY: undefined })).toEqual(
    way,
  );
});
