import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readDetails, readEvent, readInfo, readList, readLog } from './docker-shapes.ts';
import { timeAt } from './json-reading.ts';

test('a row of the list is read as Docker writes it', () => {
  const row = {
    Id: 'abc',
    Names: ['/engine-1'],
    Image: 'engine:latest',
    ImageID: 'sha256:00',
    Created: 1_700_000_000,
    State: 'running',
    Status: 'Up 3 minutes',
    Labels: { a: 'b' },
    NetworkSettings: { Networks: { ace: { IPAddress: '172.20.0.3' }, other: { IPAddress: '' } } },
  };
  assert.deepEqual(readList([row, { Names: [] }, null]), [
    {
      id: 'abc',
      name: 'engine-1',
      image: 'engine:latest',
      imageId: 'sha256:00',
      state: 'running',
      createdAtMs: 1_700_000_000_000,
      labels: { a: 'b' },
      addresses: { ace: '172.20.0.3' },
    },
  ]);
  assert.equal(readList({ message: 'no' }), undefined);
});

test('what a container is, was, and how it ended is read', () => {
  const details = readDetails({
    Id: 'abc',
    Name: '/engine-1',
    State: {
      Status: 'exited',
      ExitCode: 137,
      OOMKilled: true,
      Error: '',
      StartedAt: '2026-11-29T21:47:36.459275559Z',
      FinishedAt: '2026-11-29T21:47:40Z',
      Health: { Status: 'unhealthy' },
    },
    Config: { Labels: { a: 'b' } },
    HostConfig: { Memory: 0 },
  });
  assert.deepEqual(details, {
    id: 'abc',
    name: 'engine-1',
    state: 'exited',
    health: 'unhealthy',
    startedAtMs: Date.UTC(2026, 10, 29, 21, 47, 36, 459),
    finishedAtMs: Date.UTC(2026, 10, 29, 21, 47, 40),
    exitCode: 137,
    wasOutOfMemory: true,
    error: '',
    labels: { a: 'b' },
    memoryLimitBytes: undefined,
    addresses: {},
  });
});

test('the time of a container that never started is none', () => {
  assert.equal(timeAt({ at: '0001-01-01T00:00:00Z' }, 'at'), undefined);
});

test('an event is read, and what belongs to others is none', () => {
  const event = {
    Type: 'container',
    Action: 'health_status: healthy',
    Actor: { ID: 'abc', Attributes: { name: 'engine-1', exitCode: '137' } },
    timeNano: Number('1700000000123456789'),
  };
  assert.deepEqual(readEvent(event), {
    action: 'health_status',
    id: 'abc',
    name: 'engine-1',
    exitCode: 137,
    attributes: { name: 'engine-1', exitCode: '137' },
    time: '1700000000.123457',
  });
  assert.equal(readEvent({ ...event, Type: 'image' }), undefined);
});

describe('a log', () => {
  function frame(stream: number, text: string): Buffer {
    const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([header, Buffer.from(text)]);
  }

  test('in frames is put together: a line may be in two of them', () => {
    const body = Buffer.concat([frame(1, 'one\ntw'), frame(1, 'o\n'), frame(2, 'three\r\n')]);
    assert.deepEqual(readLog(body), ['one', 'two', 'three']);
  });

  test('of a terminal is taken as it is', () => {
    assert.deepEqual(readLog(Buffer.from('one\r\ntwo\n')), ['one', 'two']);
  });
});

test('nothing that a daemon sends makes a reader throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.uint8Array(), (value, bytes) => {
      readList(value);
      readList([value]);
      readDetails(value);
      readDetails({ Id: 'x', State: value, Config: value, NetworkSettings: { Networks: value } });
      readEvent(value);
      readEvent({ Type: 'container', Action: 'die', Actor: { ID: 'x', Attributes: value } });
      readInfo(value);
      readLog(Buffer.from(bytes));
    }),
  );
});
