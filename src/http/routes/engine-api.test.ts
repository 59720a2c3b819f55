import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AcemuxError } from '../../base/reasons.ts';
import type { MediaFiles, SearchResult } from '../../engine/types.ts';
import type { Consultant } from '../../fleet/engine-record.ts';
import { call, HASH, type Rig, startRig } from '../testing/rig.ts';

const INFOHASH = 'f'.repeat(40);
const CONTENT: MediaFiles = {
  infohash: INFOHASH,
  isLive: true,
  name: 'Example TV',
  transportType: 'bt',
  files: [{ index: 0, name: 'Example TV', mime: 'video/mp2t', sizeBytes: 0 }],
};
const NOTHING: SearchResult = { total: 0, channels: [], seconds: 0.004 };
const SERVICE = '/webui/api/service?method=get_version';
const FILES = '/server/api?api_version=3&method=get_media_files';

/** An engine that remembers what it was asked. */
class FakeConsultant implements Consultant {
  readonly asked: unknown[] = [];
  failure: AcemuxError | undefined;

  async mediaFiles(...question: Parameters<Consultant['mediaFiles']>): Promise<MediaFiles> {
    this.asked.push(question[0]);
    if (this.failure) throw this.failure;
    return CONTENT;
  }

  async search(...question: Parameters<Consultant['search']>): Promise<SearchResult> {
    this.asked.push(question[0]);
    if (this.failure) throw this.failure;
    return NOTHING;
  }
}

async function json(rig: Rig, path: string): Promise<unknown> {
  return (await call(rig, path)).json();
}

describe('get_version', () => {
  test('is acemux’s own, byte for byte as an engine writes it', async (t) => {
    const rig = await startRig(t, { phase: 'draining' });
    const reply = await call(rig, SERVICE);
    const { platform } = process;
    const expected = `{"result": {"code": 1020300, "platform": "${platform}", "version": "1.2.3"}, "error": null}`;
    assert.deepEqual([reply.status, reply.text], [200, expected]);
    assert.match(reply.headers['content-type'] ?? '', /^application\/json/);
    const head = await call(rig, SERVICE, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
  });
});

describe('the state', () => {
  test('is told in both envelopes', async (t) => {
    const rig = await startRig(t);
    const { platform } = process;
    const status = { playlist_loaded: false, version: { code: 1_020_300, platform, version: '1.2.3' } };
    assert.deepEqual(await json(rig, '/server/api?api_version=3&method=get_status'), { result: status });
    assert.deepEqual(await json(rig, '/server/api?method=get_status'), { result: status, error: null });
    assert.deepEqual(await json(rig, '/webui/api/service?method=get_status'), {
      result: status,
      error: null,
    });
  });

  test('has a network when an engine has one', async (t) => {
    const rig = await startRig(t);
    const path = '/server/api?api_version=3&method=get_network_connection_status';
    assert.deepEqual(await json(rig, path), { result: { connected: true } });
    rig.parts.readiness = { configured: true, healthy: 0, total: 1 };
    assert.deepEqual(await json(rig, path), { result: { connected: false } });
  });

  test('of other methods is not told, in either envelope', async (t) => {
    const rig = await startRig(t);
    for (const method of ['get_api_access_token', 'get_server_settings', '']) {
      const v3 = await call(rig, `/server/api?api_version=3&method=${method}`);
      assert.equal(v3.status, 400);
      assert.deepEqual(Object(v3.json()).error, { message: 'unknown method', code: 0 });
      assert.equal(Object(v3.json()).code, 'method_unknown');
      const old = Object(await json(rig, `/webui/api/service?method=${method}&api_version=3`));
      assert.deepEqual([old.result, old.error], [null, 'unknown method']);
    }
  });
});

describe('get_media_files', () => {
  test('is asked of a healthy engine, and told as it tells it', async (t) => {
    const consultant = new FakeConsultant();
    const rig = await startRig(t, { consultant });
    const about = {
      name: 'Example TV',
      infohash: INFOHASH,
      transport_type: 'bt',
      type: 'live',
      transport_file_cache_key: null,
    };
    assert.deepEqual(await json(rig, `${FILES}&content_id=${HASH}&pid=7&token=x`), {
      result: { files: [{ index: 0, filename: 'Example TV' }], ...about },
    });
    const full = Object(await json(rig, `${FILES}&infohash=${INFOHASH}&mode=full`));
    assert.equal(full.result.files[0].mime, 'video/mp2t');
    assert.deepEqual(await json(rig, `/server/api?method=get_media_files&id=${HASH}`), {
      result: { '0': 'Example TV' },
      error: null,
    });
    assert.deepEqual(consultant.asked, [
      { kind: 'id', hash: HASH },
      { kind: 'infohash', hash: INFOHASH },
      { kind: 'id', hash: HASH },
    ]);
  });

  test('of a malformed request reaches no engine, nor does HEAD', async (t) => {
    const consultant = new FakeConsultant();
    const rig = await startRig(t, { consultant });
    for (const query of [
      '',
      '&url=http://10.0.0.1/',
      '&content_id=x',
      `&content_id=${HASH}&infohash=${HASH}`,
    ]) {
      const reply = await call(rig, `${FILES}${query}`);
      assert.equal(reply.status, 400, query);
      assert.equal(typeof Object(reply.json()).error.message, 'string');
    }
    assert.equal((await call(rig, `${FILES}&content_id=${HASH}`, { method: 'HEAD' })).status, 200);
    assert.equal((await call(rig, '/search?query=x', { method: 'HEAD' })).status, 200);
    assert.deepEqual(consultant.asked, []);
  });

  test('of an unknown content says so in the words of both', async (t) => {
    const consultant = new FakeConsultant();
    consultant.failure = new AcemuxError('content_unknown', 'The engine says: cannot get transport file');
    const rig = await startRig(t, { consultant });
    const reply = await call(rig, `${FILES}&content_id=${HASH}`);
    assert.equal(reply.status, 404);
    assert.deepEqual(reply.json(), {
      detail: 'The engine says: cannot get transport file',
      code: 'content_unknown',
      error: { message: 'cannot get transport file', code: 0 },
    });
    assert.deepEqual(rig.refused, ['content_unknown']);
  });
});

describe('a search', () => {
  test('is asked of a healthy engine with what is understood of it', async (t) => {
    const consultant = new FakeConsultant();
    const rig = await startRig(t, { consultant });
    const reply = await call(rig, '/search?query=t%C3%A9l%C3%A9&page=1&page_size=50&token=secret', {
      headers: { Cookie: 'a=b', 'X-Anything': 'x' },
    });
    assert.equal(reply.text, '{"result": {"total": 0, "results": [], "time": 0.004}}');
    assert.deepEqual(consultant.asked, [{ query: 'télé', category: undefined, page: 1, pageSize: 50 }]);
  });

  test('that an engine does not offer is 502 and says so', async (t) => {
    const consultant = new FakeConsultant();
    consultant.failure = new AcemuxError('engine_refuses_call');
    const rig = await startRig(t, { consultant });
    const reply = await call(rig, '/search?query=x');
    assert.deepEqual([reply.status, Object(reply.json()).code], [502, 'engine_refuses_call']);
  });
});

test('these calls are for those who may play', async (t) => {
  const rig = await startRig(t, { playAccess: 'key', viewAccess: 'open', consultant: new FakeConsultant() });
  for (const path of [SERVICE, `${FILES}&content_id=${HASH}`, '/search?query=x']) {
    const reply = await call(rig, path);
    assert.deepEqual([reply.status, Object(reply.json()).code], [401, 'key_required'], path);
    assert.equal(reply.headers['access-control-allow-origin'], '*', path);
    assert.ok(reply.headers['www-authenticate']);
  }
});
