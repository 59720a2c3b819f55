import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import type { AcemuxEvent } from './events/event.ts';
import { silentLog } from './log.ts';
import { isWanted, type WebhookChoice, type WebhookOutcome, Webhooks } from './webhooks.ts';

interface Received {
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

const event = (id: number): AcemuxEvent => ({ id, type: 'stream.failed', wallMs: 0, details: {} });

/** A receiver that answers as the test says; each answer is one call of `answer`. */
async function rig(
  t: TestContext,
  answer: (response: ServerResponse, number: number) => void,
  more: Partial<WebhookChoice> = {},
) {
  const received: Received[] = [];
  let heard = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      received.push({ body, headers: request.headers });
      answer(response, received.length);
      heard.resolve();
      heard = Promise.withResolvers();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=1`;
  const clock = new ManualClock();
  const outcomes: WebhookOutcome[] = [];
  let over = Promise.withResolvers<void>();
  const webhooks = new Webhooks({
    choice: () => ({ urls: [url], events: [], secret: undefined, ...more }),
    jsonOf: ({ id }) => ({ id }),
    onOver: (outcome) => {
      outcomes.push(outcome);
      over.resolve();
      over = Promise.withResolvers();
    },
    clock,
    log: silentLog(),
  });
  t.after(async () => {
    await webhooks.stop();
    server.closeAllConnections();
    server.close();
  });
  return { webhooks, received, outcomes, clock, request: () => heard.promise, over: () => over.promise };
}

/** Lets a reply come, and what waits for it begin to pause for so long; a try waits for ten seconds. */
async function paused(clock: ManualClock, pauseMs: number): Promise<void> {
  while (clock.nextInMs !== pauseMs) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('an event is one POST, signed, and in order', async (t) => {
  const secret = 'a-secret';
  const { webhooks, received, over } = await rig(t, (response) => response.end(), { secret });
  webhooks.hear(event(1));
  webhooks.hear(event(2));
  await over();
  await over();
  assert.deepEqual(
    received.map(({ body }) => body),
    ['{"id":1}', '{"id":2}'],
  );
  const [first] = received;
  assert.equal(first?.headers['x-acemux-event'], 'stream.failed');
  assert.equal(
    first?.headers['x-acemux-signature-256'],
    `sha256=${createHmac('sha256', secret).update('{"id":1}').digest('hex')}`,
  );
});

test('a flaky receiver is tried three times, with pauses that grow', async (t) => {
  const { webhooks, received, outcomes, clock, request, over } = await rig(t, (response, number) => {
    response.writeHead(number < 3 ? 500 : 204).end();
  });
  const first = request();
  webhooks.hear(event(1));
  await first;
  for (const pauseMs of [1_000, 5_000]) {
    await paused(clock, pauseMs);
    const next = request();
    await clock.advance(pauseMs);
    await next;
  }
  if (outcomes.length === 0) await over();
  assert.deepEqual([received.length, outcomes], [3, ['delivered']]);
});

test('what it does not take the third time is given up, and a redirect is not followed', async (t) => {
  const { webhooks, received, outcomes, clock, request, over } = await rig(t, (response) => {
    response.writeHead(302, { Location: '/elsewhere' }).end();
  });
  const first = request();
  webhooks.hear(event(1));
  await first;
  for (const pauseMs of [1_000, 5_000]) {
    await paused(clock, pauseMs);
    const next = request();
    await clock.advance(pauseMs);
    await next;
  }
  if (outcomes.length === 0) await over();
  assert.deepEqual([received.length, outcomes], [3, ['failed']]);
});

test('one that never answers costs a bounded queue, and its end is not waited for', async (t) => {
  const { webhooks, received, outcomes, request } = await rig(t, () => {});
  const first = request();
  for (let id = 0; id < 250; id++) webhooks.hear(event(id));
  await first;
  assert.equal(outcomes.filter((outcome) => outcome === 'dropped').length, 49);
  await webhooks.stop();
  assert.equal(received.length, 1);
  webhooks.hear(event(300));
  assert.equal(outcomes.length, 49);
});

test('one that has not answered within 10 s is tried again', async (t) => {
  const { webhooks, clock, outcomes, request, over } = await rig(t, (response, number) => {
    if (number > 1) response.end();
  });
  const first = request();
  webhooks.hear(event(1));
  await first;
  await clock.advance(10_000);
  const again = over();
  await paused(clock, 1_000);
  await clock.advance(1_000);
  await again;
  assert.deepEqual(outcomes, ['delivered']);
});

test('what is wanted is said by names, and without any it is what is bad', () => {
  assert.equal(isWanted({ type: 'stream.failed' }, []), true);
  assert.equal(isWanted({ type: 'stream.started' }, []), false);
  assert.equal(isWanted({ type: 'stream.started' }, ['stream.*']), true);
  assert.equal(isWanted({ type: 'client.joined' }, ['stream.*', 'client.left']), false);
  assert.equal(isWanted({ type: 'client.joined' }, ['*']), true);
});
