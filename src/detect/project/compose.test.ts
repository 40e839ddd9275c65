import { describe, expect, it } from 'vitest';
import { needsOfTexts } from '../../../test/fixtures/project-texts.ts';

describe('compose files', () => {
  const yaml = `
services:
  db:
    image: postgres:15
    environment: { POSTGRES_DB: shop, POSTGRES_USER: "\${DB_USER:-clerk}", POSTGRES_PASSWORD: hunter2 }
  cache: { image: 'redis:7' }
  proxy: { image: 'nginx:1.27' }
  mail: { image: axllent/mailpit }
  web: { build: ., ports: ['8080:3000', '5432:5432'] }
`;

  it('name servers, their databases, roles and hosts, and the ports of what is built', () => {
    const needs = needsOfTexts({ 'compose.yaml': yaml });
    expect(needs.services).toMatchObject([
      { name: 'postgresql', databases: ['shop'], roles: ['clerk'], hosts: ['db'] },
      { name: 'redis', hosts: ['cache'] },
    ]);
    expect(needs.ports).toMatchObject([{ port: 3000, unit: 'web' }]);
    expect(needs.notes).toEqual([
      'compose.yaml has what is not set up: proxy (nginx:1.27), mail (axllent/mailpit)',
    ]);
    expect(JSON.stringify(needs)).not.toContain('hunter2');
  });

  it('may run the project in an image of its tools', () => {
    const text = 'services: { app: { image: "node:20-alpine", command: npm start } }';
    expect(needsOfTexts({ 'compose.yml': text })).toMatchObject({
      tools: [{ name: 'node', range: '>=20.0.0 <21.0.0' }],
      notes: [],
    });
  });

  it('of other occasions are left alone where there is one for every day', () => {
    const images = 'services: { q: { image: rabbitmq } }';
    const names = (files: Record<string, string>) =>
      needsOfTexts(files).services.map(({ name }) => name);
    expect(names({ 'compose.yaml': yaml, 'compose.prod.yaml': images })).toEqual([
      ...['postgresql', 'redis'],
    ]);
    expect(names({ 'compose.yaml': yaml, 'compose.dev.yaml': images })).toHaveLength(3);
    expect(names({ 'docker-compose.test.yml': images })).toEqual(['rabbitmq']);
    expect(names({ 'docker/docker-compose.yml': images })).toEqual(['rabbitmq']);
    expect(names({ 'examples/compose.yml': images })).toEqual([]);
  });
});

describe('ports that a program listens on', () => {
  const portsOf = (path: string, text: string) =>
    needsOfTexts({ [path]: text }).ports.map(({ port }) => port);

  it.each([
    ['server.js', 'const port = 3001;\napp.listen(port)'],
    ['src/index.ts', 'const PORT = process.env.PORT || 3001'],
    ['app.py', 'app.run(host="0.0.0.0", port=3001)'],
    ['main.go', 'http.ListenAndServe(":3001", nil)'],
  ])('of %s with %j', (path, text) => {
    expect(portsOf(path, text)).toEqual([3001]);
  });

  it('are not those of the servers that it talks to', () => {
    expect(portsOf('app.py', "r = Redis(host='redis', port=6379)")).toEqual([]);
    expect(portsOf('server.js', 'connect({ port: 5432 }).listen(5432)')).toEqual([]);
  });
});
