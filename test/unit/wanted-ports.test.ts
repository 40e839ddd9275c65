import { describe, expect, it } from 'vitest';
import type { Ctx } from '../../src/core/ctx.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { ownNumber, tellMovedPorts } from '../../src/ops/wanted-ports.ts';
import { recordOf, web } from '../fixtures/store-bed.ts';

describe('a guest port alone', () => {
  it('has its own number, or the next one where clients send passwords', () => {
    expect([80, 1024, 8080, 5432, 2375, 9200].map(ownNumber)).toEqual([
      ...[undefined, 1024, 8080, 5433, 2377, 9201],
    ]);
  });

  it('is told where it came to be, and why', () => {
    const told: string[] = [];
    const io = { ...quietIo(), emit: (one: { text?: string }) => told.push(one.text ?? '') };
    const port = (guest: number, host?: number) => ({ name: String(guest), guest, host });
    const plan = { ports: [port(8080), port(5432), port(80, 8081), port(6379, 6379)] };
    const leases = [
      { ...port(8080), host: 8080 },
      { ...port(5432), host: 5433 },
      { ...port(80), host: 8082 },
      { ...port(6379), host: 6379 },
    ];
    const { plan: usual } = recordOf(web);
    tellMovedPorts({ io } as unknown as Ctx, { ...usual, ...plan }, leases);
    expect(told).toEqual([
      "clients of port 5432 of this computer send it passwords, so it is not the guest's unless you write 5432:5432: 127.0.0.1:5433 leads to port 5432 of the guest",
      'port 8081 is taken: 127.0.0.1:8082 leads to port 80 of the guest',
    ]);
  });
});
