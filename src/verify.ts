/**
 * The auditor's program: checks a package, or the JSON of a certificate of disposition, offline, trusting nobody. It reads
 * a file and a root, prints a line for every claim, and reaches no database, no network and no installation.
 *
 *     node --import tsx src/verify.ts PACKAGE|CERTIFICATE.json [--root ROOT.pem] [--json]
 *
 * Exit 0: every claim holds; 1: one does not (a file without a root is `unanchored`); 2: misused.
 */
import { open, readFile, stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { certificateClaims, type JudgedCertificate, verifyCertificate } from './artifacts/verify-certificate.ts';
import { type Verification, verifyPackage as verifyAt } from './artifacts/verify-package.ts';
import { claims } from './evidence/claims.ts';

/** Verify a package: a ZIP by path or bytes, or an unpacked folder by path. `now` defaults to this machine's clock. */
export function verifyPackage(
  source: string | Uint8Array,
  options: { readonly rootPem?: string | undefined; readonly now?: Temporal.Instant } = {},
): Promise<Verification> {
  return verifyAt(source, { rootPem: options.rootPem, now: options.now ?? Temporal.Now.instant() });
}

/** The largest certificate there can be: a million batches. */
const certificateBytes = 512 * 2 ** 20;

/** Verify whatever the path leads to: a certificate's JSON begins with a brace, which no archive does. */
export async function verifyFile(path: string, rootPem: string | undefined): Promise<Verification | JudgedCertificate> {
  const found = await stat(path);
  if (!found.isFile() || !(await beginsWithBrace(path))) return verifyPackage(path, { rootPem });
  if (found.size > certificateBytes) throw new Error(`${path} is larger than any certificate.`);
  return verifyCertificate(await readFile(path), rootPem ?? null);
}

async function beginsWithBrace(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, 0);
    return bytesRead === 1 && buffer[0] === 0x7b;
  } finally {
    await file.close();
  }
}

/** A line for every claim and one for the whole. */
export function reportText({ ok, claims: judged }: Verification | JudgedCertificate): string {
  const proves: Readonly<Record<string, string>> = { ...claims, ...(isOfCertificate(judged) ? certificateClaims : {}) };
  const rows = judged.map(
    (claim) =>
      `${claim.ok ? 'PASS' : 'FAIL'} ${claim.claim.padEnd(12)} ${proves[claim.claim]}\n     ${' '.repeat(12)} ${claim.detail}`,
  );
  const failed = judged.filter((claim) => !claim.ok);
  const unanchored = failed.length === 1 && failed[0]?.detail.startsWith('unanchored');
  const verdict = ok
    ? 'GOOD: every claim holds'
    : unanchored
      ? 'UNANCHORED: give the root'
      : `NOT GOOD: ${failed.length} of ${judged.length} claims fail`;
  return `${rows.join('\n')}\n${verdict}\n`;
}

const isOfCertificate = (judged: readonly { readonly claim: string }[]) => judged[0]?.claim === 'form';

/** @param defaultRoot the installation's own root, where there is one; `--root` comes before it */
export async function main(args: readonly string[], defaultRoot?: string): Promise<number> {
  const parsed = readArguments(args);
  if (!parsed) {
    process.stderr.write('usage: verify PACKAGE|CERTIFICATE.json [--root ROOT.pem] [--json]\n');
    return 2;
  }
  const rootPem = parsed.root === undefined ? defaultRoot : await readFile(parsed.root, 'utf8');
  const verification = await verifyFile(parsed.path, rootPem);
  process.stdout.write(parsed.json ? `${JSON.stringify(verification)}\n` : reportText(verification));
  return verification.ok ? 0 : 1;
}

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { root: { type: 'string' }, json: { type: 'boolean', default: false } },
    });
    const [path, another] = positionals;
    return path === undefined || another !== undefined ? null : { path, root: values.root, json: values.json };
  } catch {
    return null;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.exitCode = await main(process.argv.slice(2)).catch((fault: unknown) => {
    process.stderr.write(`${fault instanceof Error ? fault.message : String(fault)}\n`);
    return 2;
  });
