import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { ConfigProblem, readConfig } from '../src/config.ts';
import { startService } from '../src/serve.ts';
import { emptyDatabase } from './support/database.ts';
import { hasTool } from './support/tools.ts';

const port = 3997;

describe('the service', () => {
  it.skipIf(!hasTool('openssl'))(
    'speaks TLS by itself, nothing older than 1.2, with cookies for this host only',
    async () => {
      await using database = await emptyDatabase();
      const folder = mkdtempSync(join(tmpdir(), 'tls-'));
      const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-nodes',
          '-subj',
          '/CN=localhost',
          '-addext',
          'subjectAltName=DNS:localhost',
          '-days',
          '2',
          '-keyout',
          key,
          '-out',
          cert,
        ],
        { stdio: 'ignore' },
      );
      const config = readConfig({
        DATABASE_URL: database.url,
        APP_DATABASE_URL: database.url,
        KINFOLK_FILES: folder,
        MUNIMENT_DATA: join(folder, 'data'),
        TLS_CERT_FILE: cert,
        TLS_KEY_FILE: key,
      });
      const service = await startService(config, {
        port,
        host: '127.0.0.1',
        demo: false,
        role: 'web',
        print: () => {},
        log: () => {},
      });
      try {
        expect(service.url).toBe(`https://localhost:${port}`);
        const ca = readFileSync(cert);
        const answer = await new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]> }>(
          (resolve, reject) => {
            request(
              {
                host: 'localhost',
                port,
                ca,
                path: '/console/sign-in/passkey',
                method: 'POST',
                headers: { origin: service.url, 'content-type': 'application/x-www-form-urlencoded' },
              },
              (reply) => {
                reply.resume();
                resolve({ status: reply.statusCode, headers: reply.headers });
              },
            )
              .on('error', reject)
              .end('next=%2Fconsole');
          },
        );
        expect(answer.status).toBe(200);
        expect(answer.headers['strict-transport-security']).toContain('max-age=31536000');
        const cookies = answer.headers['set-cookie'];
        expect(cookies).toEqual([
          expect.stringMatching(/^__Host-muniment\.passkey=.*Path=\/; HttpOnly; Secure; SameSite=Lax$/),
        ]);
        const old = await new Promise<string>((resolve) => {
          const socket = connect({ host: 'localhost', port, ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }, () =>
            resolve('taken'),
          );
          socket.on('error', () => resolve('refused'));
        });
        expect(old).toBe('refused');
      } finally {
        await service.stop();
      }
    },
    60_000,
  );

  it('does not start with half of a certificate, or with one that is not there', () => {
    const base = { DATABASE_URL: 'postgres://x', MUNIMENT_DATA: '/nowhere' };
    expect(() => readConfig({ ...base, TLS_CERT_FILE: '/nowhere/cert.pem' })).toThrow(ConfigProblem);
    expect(() => readConfig({ ...base, TLS_CERT_FILE: '/nowhere/cert.pem', TLS_KEY_FILE: '/nowhere/key.pem' })).toThrow(
      'TLS_CERT_FILE cannot be read',
    );
  });
});
