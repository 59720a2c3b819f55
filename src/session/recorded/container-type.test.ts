import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { typeOfBytes, typeOfName } from './container-type.ts';

test('a file’s name tells what it is by its end', () => {
  assert.equal(typeOfName('A film (2026).MKV'), 'video/x-matroska');
  assert.equal(typeOfName('a.b.mp4 '), 'video/mp4');
  assert.equal(typeOfName('song.mp3'), 'audio/mpeg');
  for (const nothing of ['', 'Example TV', 'x.constructor', 'x.exe', 'mkv']) {
    assert.equal(typeOfName(nothing), undefined, nothing);
  }
});

test('a file’s first bytes tell what it is', () => {
  const packets = (distance: number, from = 0): Buffer => {
    const bytes = Buffer.alloc(distance * 4);
    for (let packet = 0; packet < 3; packet++) bytes[from + packet * distance] = 0x47;
    return bytes;
  };
  const table: readonly (readonly [string | Buffer, string | undefined])[] = [
    ['\0\0\0\x20ftypisom\0\0\x02\0', 'video/mp4'],
    ['\0\0\0\x14ftypqt  ', 'video/quicktime'],
    ['\0\0\0\x20ftypM4A ', 'audio/mp4'],
    ['\0\0\0\x18ftyp3gp5', 'video/3gpp'],
    ['\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x23B\x82\x88matroska', 'video/x-matroska'],
    ['\x1aE\xdf\xa3\x9fB\x82\x84webm', 'video/webm'],
    ['RIFF\x10\0\0\0AVI LIST', 'video/x-msvideo'],
    ['RIFF\x10\0\0\0WAVEfmt ', 'audio/wav'],
    ['RIFF\x10\0\0\0WEBP', undefined],
    [packets(188), 'video/mp2t'],
    [packets(192, 4), 'video/mp2t'],
    [Buffer.from([0x47, 0, 0]), undefined],
    ['\0\0\x01\xba\x44', 'video/mpeg'],
    ['OggS\0\x02', 'audio/ogg'],
    ['OggS\0\x02.......\x80theora', 'video/ogg'],
    ['fLaC', 'audio/flac'],
    ['FLV\x01\x05', 'video/x-flv'],
    ['\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6', 'video/x-ms-asf'],
    ['ID3\x04', 'audio/mpeg'],
    [Buffer.from([0xff, 0xfb, 0x90, 0x64]), 'audio/mpeg'],
    [Buffer.from([0xff, 0xf1, 0x50, 0x80]), 'audio/aac'],
    [Buffer.alloc(4, 0xff), undefined],
    ['', undefined],
    ['<html>', undefined],
  ];
  for (const [bytes, type] of table) {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    assert.equal(typeOfBytes(buffer), type, buffer.toString('latin1').slice(0, 16));
  }
});

test('any bytes and any name have an answer', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void typeOfBytes(Buffer.from(bytes))));
  fc.assert(fc.property(fc.string(), (name) => void typeOfName(name)));
});
