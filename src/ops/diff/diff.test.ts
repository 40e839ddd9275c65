import { describe, expect, it } from 'vitest';
import { type Drift, isDrift } from './drift.ts';
import { parseVersions, upstream } from './packages.ts';
import { parseUnits } from './services.ts';

const sides = (workstation: string | null, config: string | null, guest: string | null): Drift => ({
  ...{ area: 'packages', name: 'x', workstation, config, guest },
});

describe('drift', () => {
  it('is what is not the same on all sides that have a say', () => {
    expect(isDrift(sides('1', '1', '1'))).toBe(false);
    expect(isDrift(sides(null, '1', '1'))).toBe(false);
    expect(isDrift(sides(null, null, '1'))).toBe(false);
    expect(isDrift(sides('2', '1', '1'))).toBe(true);
    expect(isDrift(sides(null, '1', '2'))).toBe(true);
    expect(isDrift(sides('2', '1', null))).toBe(true);
  });
});

describe('packages', () => {
  it('are those that are installed, whatever else dpkg-query says', () => {
    const output = [
      'nodejs\t18.20.4+dfsg-1~deb12u1\tii ',
      'removed\t1.0-1\trc ',
      'never\t\tun ',
      'garbage',
      'held\t2:3.4-5\tii ',
    ].join('\n');
    expect([...parseVersions(output)]).toEqual([
      ['nodejs', '18.20.4+dfsg-1~deb12u1'],
      ['held', '2:3.4-5'],
    ]);
  });

  it('differ by their upstream version, not by epoch or revision', () => {
    expect(upstream('2:3.4-5')).toBe('3.4');
    expect(upstream('18.20.4+dfsg-1~deb12u1')).toBe('18.20.4+dfsg');
    expect(upstream('1.0')).toBe('1.0');
    expect(upstream('1.2-rc1-3')).toBe('1.2-rc1');
  });
});

describe('services', () => {
  it('have a state each, in the order asked for', () => {
    const output = `Id=postgresql.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled

Id=redis-server.service
LoadState=loaded
ActiveState=failed
UnitFileState=enabled

Id=nothing.service
LoadState=not-found
ActiveState=inactive
UnitFileState=

Id=cron.service
LoadState=loaded
ActiveState=active
UnitFileState=disabled
`;
    expect(parseUnits(output)).toEqual([
      'enabled, active',
      'enabled, failed',
      'not there',
      'disabled, active',
    ]);
  });
});
