import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { container, evidence, silence, tunnelDown } from '../../../test/support/vpn-evidence.ts';
import {
  judgeVpn,
  newVpnRecord,
  recoveryEtaMs,
  setDraining,
  VPN_TIMES,
  type VpnRecord,
} from './judge-vpn.ts';
import type { VpnState } from './vpn.ts';
import { type VpnEvidence, weighEvidence } from './weigh-evidence.ts';

const LOOK_MS = 5_000;

/** Looks at a VPN every five seconds, and remembers what it was. */
class Watched {
  nowMs = 0;
  record: VpnRecord = newVpnRecord(0);
  readonly states: { readonly atMs: number; readonly state: VpnState }[] = [];
  jitterMs = 0;

  /** For so many seconds it is seen so; at least one look. */
  seen(what: VpnEvidence, seconds = 0): this {
    const endMs = this.nowMs + seconds * 1_000;
    do this.look(what);
    while (this.nowMs < endMs);
    return this;
  }

  look(what: VpnEvidence, afterMs = LOOK_MS): void {
    this.nowMs += afterMs;
    const before = this.record.state;
    this.record = judgeVpn(this.record, what, this.nowMs, this.jitterMs);
    if (this.record.state !== before) this.states.push({ atMs: this.nowMs, state: this.record.state });
  }

  get path(): string {
    return this.states.map(({ state }) => state).join(' ');
  }
}

const up = evidence();
const twoSignals = evidence({
  tunnel: 'crashed',
  publicIp: undefined,
  engines: { connected: 0, offline: 2, answering: 0, unreachable: 0 },
});

describe('a VPN', () => {
  test('is ok as soon as something shows that it is up, and unknown until then', () => {
    assert.equal(new Watched().seen(up).path, 'ok');
    assert.equal(new Watched().seen(silence(), 3_600).path, '');
  });

  test('fault 23: of which nobody knows anything any more is suspect, and never down', () => {
    const watched = new Watched().seen(up).seen(silence(), 7_200);
    assert.equal(watched.path, 'ok suspect');
    assert.equal(watched.record.reason, 'vpn_unauthorized');
    assert.equal(
      new Watched().seen(up).seen(silence(), 10).seen(up).path,
      'ok',
      'two silent looks are nothing',
    );
  });

  test('fault 28: whose tunnel drops for five seconds is suspect at once and never down', () => {
    const watched = new Watched().seen(up).seen(tunnelDown()).seen(up, 60);
    assert.equal(watched.path, 'ok suspect ok');
  });

  test('fault 28: whose tunnel is gone for a minute is down, by one signal as by two', () => {
    const one = new Watched().seen(up).seen(tunnelDown(), 60);
    assert.equal(one.path, 'ok suspect down');
    const two = new Watched().seen(up).seen(twoSignals, 60);
    assert.equal(two.path, 'ok suspect down');
    const tookMs = (watched: Watched): number =>
      (watched.states[2]?.atMs ?? 0) - (watched.states[1]?.atMs ?? 0);
    assert.deepEqual([tookMs(one), tookMs(two)], [VPN_TIMES.singleMs, VPN_TIMES.pairMs]);
  });

  test('whose container is gone is down after two looks', () => {
    const gone = evidence({ container: 'missing' });
    assert.equal(new Watched().seen(up).seen(gone).path, 'ok suspect');
    assert.equal(new Watched().seen(up).seen(gone).seen(gone).path, 'ok suspect down');
  });

  test('that is back recovers first, and is ok when it has been stable, later with each relapse', () => {
    const watched = new Watched().seen(up).seen(tunnelDown(), 120).seen(up, 300);
    assert.equal(watched.path, 'ok suspect down recovering ok');
    const recoveredMs = (states: Watched['states']): number => {
      const ok = states.findLastIndex(({ state }) => state === 'ok');
      return (states[ok]?.atMs ?? 0) - (states[ok - 1]?.atMs ?? 0);
    };
    const first = recoveredMs(watched.states);
    watched.seen(tunnelDown(), 120).seen(up, 300);
    assert.equal(watched.path, 'ok suspect down recovering ok suspect down recovering ok');
    assert.ok(recoveredMs(watched.states) > first);
  });

  test('fault 32: that fails again while it recovers is down again, after two looks', () => {
    const watched = new Watched().seen(up).seen(tunnelDown(), 60).seen(up, 15);
    assert.equal(watched.record.state, 'recovering');
    watched.seen(tunnelDown());
    assert.equal(watched.record.state, 'recovering');
    watched.seen(tunnelDown(), 10);
    assert.equal(watched.path, 'ok suspect down recovering down');
  });

  test('which comes back together with another one is ok at another time: no stampede', () => {
    const one = new Watched().seen(up).seen(tunnelDown(), 60).seen(up, 120);
    const other = new Watched();
    other.jitterMs = 10_000;
    other.seen(up).seen(tunnelDown(), 60).seen(up, 120);
    assert.equal((other.states.at(-1)?.atMs ?? 0) - (one.states.at(-1)?.atMs ?? 0), 10_000);
  });

  test('fault 33: unhealthy to Docker, with an engine connected, stays ok', () => {
    const contested = evidence({
      container: container({ health: 'unhealthy' }),
      engines: { connected: 1, offline: 3, answering: 0, unreachable: 0 },
    });
    assert.equal(new Watched().seen(up).seen(contested, 600).path, 'ok');
  });

  test('fault 33: healthy to Docker, with no engine connected, is suspect, not down, and only for some minutes', () => {
    const offline = evidence({
      container: container(),
      engines: { connected: 0, offline: 3, answering: 0, unreachable: 0 },
    });
    const watched = new Watched().seen(evidence({ container: container() })).seen(offline, 120);
    assert.equal(watched.path, 'ok suspect');
    assert.equal(watched.record.reason, 'vpn_engines_offline');
    watched.seen(offline, 300);
    assert.equal(watched.path, 'ok suspect ok', 'or engines that are ill could never be replaced behind it');
    assert.equal(watched.record.reason, 'vpn_engines_offline');
  });

  test('that the operator drains stays so, and shows anew how it is when put back', () => {
    const watched = new Watched().seen(up);
    watched.record = setDraining(watched.record, true, watched.nowMs);
    watched.seen(tunnelDown(), 600).seen(up, 600);
    assert.deepEqual([watched.record.state, watched.record.reason], ['draining', 'vpn_draining']);
    watched.record = setDraining(watched.record, false, watched.nowMs);
    assert.equal(watched.record.state, 'unknown');
    assert.equal(watched.seen(up).record.state, 'ok');
  });

  test('tells how long it will not be used', () => {
    const watched = new Watched().seen(up);
    assert.equal(recoveryEtaMs(watched.record, watched.nowMs), 0);
    watched.seen(tunnelDown(), 60);
    assert.equal(recoveryEtaMs(watched.record, watched.nowMs), VPN_TIMES.recoverMs + VPN_TIMES.dwellMs);
    watched.seen(up, 15);
    const before = recoveryEtaMs(watched.record, watched.nowMs);
    watched.seen(up);
    assert.equal(recoveryEtaMs(watched.record, watched.nowMs), before - LOOK_MS);
  });
});

const anyEngines = fc.record({
  connected: fc.nat(2),
  offline: fc.nat(2),
  answering: fc.nat(1),
  unreachable: fc.nat(2),
});
const anyEvidence: fc.Arbitrary<VpnEvidence> = fc.record({
  container: fc.constantFrom(
    undefined,
    'missing' as const,
    container(),
    container({ health: 'unhealthy' }),
    container({ health: 'starting' }),
    container({ state: 'exited' }),
  ),
  control: fc.constantFrom('answers', 'unreachable', 'silent'),
  controlProblem: fc.constantFrom(undefined, 'vpn_unauthorized', 'vpn_unreachable'),
  tunnel: fc.constantFrom(undefined, 'running', 'starting', 'crashed'),
  publicIp: fc.constantFrom(undefined, '203.0.113.7'),
  engines: anyEngines,
});
/** Weather: one kind of evidence for a while, then another. */
const history = fc.array(
  fc.record({ what: fc.oneof(anyEvidence, fc.constant(up)), looks: fc.integer({ min: 1, max: 12 }) }),
  { minLength: 1, maxLength: 80 },
);
const lookMs = fc.constantFrom(250, 1_000, 5_000, 20_000);

describe('whatever is seen of a VPN', () => {
  const walk = (
    weather: readonly { readonly what: VpnEvidence; readonly looks: number }[],
    everyMs: number,
    check: (watched: Watched, before: VpnRecord, what: VpnEvidence) => void,
  ): Watched => {
    const watched = new Watched();
    for (const { what, looks } of weather) {
      for (let look = 0; look < looks; look++) {
        const before = watched.record;
        watched.look(what, everyMs);
        check(watched, before, what);
      }
    }
    return watched;
  };

  test('it becomes ok only in a look that shows it to be up', () => {
    fc.assert(
      fc.property(history, lookMs, (weather, everyMs) => {
        walk(weather, everyMs, ({ record }, before, what) => {
          if (record.state === 'ok' && before.state !== 'ok') assert.ok(weighEvidence(what).hasProof);
        });
      }),
      { numRuns: 300 },
    );
  });

  test('one look never brings it down', () => {
    fc.assert(
      fc.property(history, lookMs, (weather, everyMs) => {
        let accusedLooks = 0;
        walk(weather, everyMs, ({ record }, before, what) => {
          accusedLooks = weighEvidence(what).against.size > 0 ? accusedLooks + 1 : 0;
          if (record.state === 'down' && before.state !== 'down') assert.ok(accusedLooks >= 2);
        });
      }),
      { numRuns: 300 },
    );
  });

  test('its state changes at most 8 times a minute, and at most 60 times in an hour', () => {
    fc.assert(
      fc.property(history, lookMs, (weather, everyMs) => {
        const long = Array.from({ length: 20 }, () => weather).flat();
        const { states } = walk(long, Math.max(everyMs, 1_000), () => {});
        for (const { atMs } of states) {
          const within = (ms: number): number =>
            states.filter((each) => each.atMs > atMs - ms && each.atMs <= atMs).length;
          assert.ok(within(60_000) <= 8, `${within(60_000)} in a minute`);
          assert.ok(within(3_600_000) <= 60, `${within(3_600_000)} in an hour`);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('once it is shown to be up for long it is ok again, without help', () => {
    fc.assert(
      fc.property(history, lookMs, (weather, everyMs) => {
        const watched = walk(weather, everyMs, () => {});
        watched.seen(up, 600);
        assert.equal(watched.record.state, 'ok');
      }),
      { numRuns: 300 },
    );
  });
});
