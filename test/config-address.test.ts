import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { startService } from '../src/serve.ts';

const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
  MUNIMENT_MASTER_KEY: '11'.repeat(32),
  MUNIMENT_DATA: '/nowhere',
};

describe('the public address in the environment', () => {
  it('is an origin in one spelling, whatever its case', () => {
    for (const [written, read] of [
      ['https://muniment.example', 'https://muniment.example'],
      ['https://muniment.example/', 'https://muniment.example'],
      ['HTTPS://Muniment.Example', 'https://muniment.example'],
      [' https://muniment.example ', 'https://muniment.example'],
      ['https://muniment.example:443', 'https://muniment.example'],
      ['https://muniment.example:8443', 'https://muniment.example:8443'],
      ['http://localhost:3000', 'http://localhost:3000'],
    ] as const)
      for (const env of [{}, production])
        expect(readConfig({ ...env, PUBLIC_URL: written }).publicUrl, written).toBe(read);
    expect(readConfig({ PUBLIC_URL: '' }).publicUrl).toBeNull();
    for (const wrong of [
      'muniment.example',
      'localhost:3000',
      '//muniment.example',
      'ftp://muniment.example',
      'javascript:alert(1)',
      'https://',
      'https://user@muniment.example',
      'https://muniment.example/path',
      'https://muniment.example/?a',
      'https://muniment.example/#a',
    ])
      expect(() => readConfig({ PUBLIC_URL: wrong }), wrong).toThrow(/PUBLIC_URL must be an address/);
  });

  it('is given in production, and safe there: no session crosses a network in the clear', async () => {
    for (const wrong of ['http://muniment.example', 'HTTP://10.0.0.1:3000'])
      expect(() => readConfig({ ...production, PUBLIC_URL: wrong }), wrong).toThrow(/PUBLIC_URL must begin with https/);
    for (const role of ['all', 'web', 'worker'] as const) {
      const start = startService(readConfig({ ...production, PUBLIC_URL: '' }), {
        port: 0,
        host: '127.0.0.1',
        demo: false,
        role,
        print: () => {},
        log: () => {},
      });
      await expect(start, role).rejects.toThrow(/In production PUBLIC_URL must be set/);
    }
  });
});
