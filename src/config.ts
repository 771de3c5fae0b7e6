import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';

/** Everything the environment says, read once. Nothing else in Muniment reads the environment. */
export interface Config {
  /** Absent: the embedded PostgreSQL under `dataFolder`. */
  readonly databaseUrl: string | null;
  /** Who owns the tables: used for migrations and grants alone. Absent: the service's role does both. */
  readonly migrationUrl: string | null;
  readonly dataFolder: string;
  readonly policiesFolder: string;
  readonly erasuresFile: string;
  /** Newest first, as `version:hex` or bare hex (version "env"). Absent: generated in the data folder, with a warning. */
  readonly masterKeys: readonly { readonly version: string; readonly key: Uint8Array }[];
  /** Where people reach the service, as an origin: `https://` and a host. Cookies are bound to TLS by its first letters. */
  readonly publicUrl: string | null;
  readonly port: number;
  readonly host: string;
  readonly smtpUrl: string | null;
  readonly tsaUrl: string | null;
  readonly metricsToken: string | null;
  /** Certificate chain and key, PEM, to speak TLS by itself; null: plain HTTP, for a proxy that does. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** How many proxies stand before Muniment; the client's address is read from X-Forwarded-For across that many. */
  readonly trustedProxies: number;
  /** Where alarms are posted, and the secret that signs them; null: nowhere. */
  readonly alarmWebhook: { readonly url: string; readonly secret: Uint8Array } | null;
  /** The company's OpenID Connect provider, by which staff may sign in; null: passwords and passkeys only. */
  readonly company: CompanyConfig | null;
  readonly production: boolean;
  readonly logLevel: string;
  readonly user: string;
  /** For `${NAME}` in policy files. */
  lookup(name: string): string | undefined;
}

/** Where Muniment is a client of the company's OpenID Connect provider. */
export interface CompanyConfig {
  /** As its discovery document writes it, to the letter. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** As staff call it: "Sign in with …". */
  readonly name: string;
  /** Whether a sign-in that the provider says had two factors needs none of ours. */
  readonly trustsMfa: boolean;
  /** Hosts beside the issuer's own at which it may keep its tokens and keys; nothing is sent to any other. */
  readonly otherHosts: readonly string[];
}

/** What is wrong with the environment, said so that it can be mended. */
export class ConfigProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigProblem';
  }
}

/**
 * Read the environment.
 * @param defaultFolder where data goes when MUNIMENT_DATA says nothing
 * @throws ConfigProblem naming the variable and what to write instead
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>, defaultFolder = '.muniment'): Config {
  const get = (name: string) => (env[name] === undefined || env[name] === '' ? null : env[name]);
  const production = get('NODE_ENV') === 'production';
  const databaseUrl = get('DATABASE_URL');
  const migrationUrl = get('MUNIMENT_MIGRATION_URL');
  for (const [name, url] of Object.entries({ DATABASE_URL: databaseUrl, MUNIMENT_MIGRATION_URL: migrationUrl }))
    if (url !== null && !/^postgres(ql)?:\/\//.test(url))
      throw new ConfigProblem(`${name} must begin with postgres://. Nothing was started.`);
  if (migrationUrl !== null && databaseUrl === null)
    throw new ConfigProblem(
      'MUNIMENT_MIGRATION_URL is the owner of the database that DATABASE_URL names, which is not set. Nothing was started.',
    );
  const port = Number(get('PORT') ?? 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new ConfigProblem('PORT must be a number from 0 to 65535. Nothing was started.');
  const masterKeys = parseMasterKeys(get('MUNIMENT_MASTER_KEY'));
  if (production && databaseUrl === null)
    throw new ConfigProblem(
      'In production DATABASE_URL must name a PostgreSQL server: the embedded one is for trying out. Nothing was started.',
    );
  if (production && masterKeys.length === 0)
    throw new ConfigProblem(
      'In production MUNIMENT_MASTER_KEY must be set (64 hex digits, from a key store): a key generated beside the data protects nothing. Nothing was started.',
    );
  const dataFolder = resolve(get('MUNIMENT_DATA') ?? defaultFolder);
  return {
    databaseUrl,
    migrationUrl,
    dataFolder,
    policiesFolder: resolve(get('MUNIMENT_POLICIES') ?? 'policies'),
    erasuresFile: resolve(get('MUNIMENT_ERASURES') ?? `${dataFolder}/erasures.jsonl`),
    masterKeys,
    publicUrl: parsePublicUrl(get('PUBLIC_URL'), production),
    port,
    host: get('HOST') ?? '127.0.0.1',
    smtpUrl: get('SMTP_URL'),
    tsaUrl: get('TSA_URL'),
    metricsToken: get('METRICS_TOKEN'),
    tls: readTls(get('TLS_CERT_FILE'), get('TLS_KEY_FILE')),
    trustedProxies: parseProxies(get('TRUSTED_PROXIES')),
    alarmWebhook: parseWebhook(get('ALARM_WEBHOOK_URL'), get('ALARM_WEBHOOK_SECRET')),
    company: parseCompany(get),
    production,
    logLevel: get('LOG_LEVEL') ?? 'info',
    user: userInfo().username,
    lookup: (name) => env[name],
  };
}

/** An origin in one spelling. Over plain HTTP a session can be read on its way: in production only on this machine. */
function parsePublicUrl(text: string | null, production: boolean): string | null {
  if (text === null) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin = url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (!isOrigin)
    throw new ConfigProblem(
      'PUBLIC_URL must be an address such as https://muniment.example, without a path, user or query. Nothing was started.',
    );
  const isSafe = url.protocol === 'https:' || ['localhost', '127.0.0.1'].includes(url.hostname);
  if (production && !isSafe)
    throw new ConfigProblem(
      'In production PUBLIC_URL must begin with https://: over plain HTTP sessions can be read on their way. Nothing was started.',
    );
  return url.origin;
}

/** Both or none; read once, so that a service that cannot speak TLS does not start. */
function readTls(certFile: string | null, keyFile: string | null) {
  if (certFile === null && keyFile === null) return null;
  if (certFile === null || keyFile === null)
    throw new ConfigProblem('TLS_CERT_FILE and TLS_KEY_FILE belong together. Set both or none; nothing was started.');
  const read = (name: string, path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      throw new ConfigProblem(`${name} cannot be read: ${path}. Nothing was started.`);
    }
  };
  return { cert: read('TLS_CERT_FILE', certFile), key: read('TLS_KEY_FILE', keyFile) };
}

function parseProxies(text: string | null): number {
  const proxies = Number(text ?? 0);
  if (!Number.isInteger(proxies) || proxies < 0 || proxies > 10)
    throw new ConfigProblem('TRUSTED_PROXIES must be a number from 0 to 10. Nothing was started.');
  return proxies;
}

/** The secret as Standard Webhooks writes it (`whsec_` and Base64) or as plain text; 24 bytes or more. */
function parseWebhook(url: string | null, secret: string | null) {
  if (url === null) return null;
  const bytes = secret?.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret ?? '');
  if (!URL.canParse(url) || !/^https:|^http:\/\/(localhost|127\.0\.0\.1)[:/]/.test(url))
    throw new ConfigProblem('ALARM_WEBHOOK_URL must begin with https://. Nothing was started.');
  if (bytes.length < 24)
    throw new ConfigProblem(
      'ALARM_WEBHOOK_SECRET must have 24 bytes or more, so that nobody can forge an alarm. Make one with: openssl rand -base64 32',
    );
  return { url, secret: new Uint8Array(bytes) };
}

/** All three or none; what only adds to them needs them. */
function parseCompany(get: (name: string) => string | null): CompanyConfig | null {
  const [issuer, clientId, clientSecret] = [get('OIDC_ISSUER'), get('OIDC_CLIENT_ID'), get('OIDC_CLIENT_SECRET')];
  const [name, trust, hosts] = [get('OIDC_NAME'), get('OIDC_TRUST_MFA'), get('OIDC_HOSTS')];
  if ([issuer, clientId, clientSecret, name, trust, hosts].every((value) => value === null)) return null;
  if (issuer === null || clientId === null || clientSecret === null)
    throw new ConfigProblem(
      'OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET belong together, and OIDC_NAME, OIDC_TRUST_MFA and OIDC_HOSTS need them. Set all three or none; nothing was started.',
    );
  if (!isIssuer(issuer))
    throw new ConfigProblem(
      'OIDC_ISSUER must be an address that begins with https:// (http:// on localhost or 127.0.0.1 only), without user, query or fragment. Nothing was started.',
    );
  if (trust !== null && trust !== '0' && trust !== '1')
    throw new ConfigProblem('OIDC_TRUST_MFA must be 1 (trust it) or 0. Nothing was started.');
  if (name !== null && name.length > 60)
    throw new ConfigProblem('OIDC_NAME stands on a button: 60 characters at most. Nothing was started.');
  const otherHosts = hosts === null ? [] : hosts.split(',').map((host) => host.trim().toLowerCase());
  if (!otherHosts.every((host) => /^[a-z0-9.-]+$/.test(host) && host.includes('.')))
    throw new ConfigProblem(
      'OIDC_HOSTS names the other hosts of the provider, with commas, such as oauth2.example.com,www.example.com. Nothing was started.',
    );
  return { issuer, clientId, clientSecret, name: name ?? 'your company account', trustsMfa: trust === '1', otherHosts };
}

/** OpenID Connect Discovery 1.0, 3: "https" and no query or fragment; plain HTTP stays on this machine. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || /[?#\s]/.test(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1'].includes(hostname));
  return isSafe && username === '' && password === '';
}

/**
 * One key, or several with commas, newest first: older ones still open what they wrapped. What is wrapped says by which
 * version, so of several each needs its name: by their places, the old key would take the new one's.
 */
function parseMasterKeys(text: string | null) {
  if (text === null) return [];
  const parts = text.split(',').map((part) => part.trim());
  const keys = parts.map((part) => {
    const [, version, hex = ''] = /^(?:([^\s:]+):)?([0-9a-f]{64})$/i.exec(part) ?? [];
    if (hex === '' || (version === undefined && parts.length > 1))
      throw new ConfigProblem(
        'MUNIMENT_MASTER_KEY must be 64 hex digits, or VERSION:HEX pairs with commas, newest first (a key that stood alone is the version "env"). Make one with: openssl rand -hex 32',
      );
    return { version: version ?? 'env', key: new Uint8Array(Buffer.from(hex, 'hex')) };
  });
  if (new Set(keys.map(({ version }) => version)).size < keys.length)
    throw new ConfigProblem('MUNIMENT_MASTER_KEY names a version twice. Each has one key; nothing was started.');
  return keys;
}
