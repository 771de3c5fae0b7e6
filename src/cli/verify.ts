import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { reportText, verifyFile as verifyAt } from '../verify.ts';
import { Misuse, option, readWords } from './arguments.ts';
import type { Out } from './verb.ts';

/** Where the service keeps its own root, so that `verify` needs no database. */
function rootFile(config: Config): string {
  return join(config.dataFolder, 'root.pem');
}

/** Check a package or a certificate of disposition offline: a line for every claim, exit 1 if any fails. */
export async function verifyFile(words: readonly string[], config: Config, out: Out): Promise<number> {
  const parsed = readWords(words, ['root'], ['json'], 1);
  const [path] = parsed.positional;
  if (path === undefined) throw new Misuse('verify PACKAGE|CERTIFICATE.json [--root ROOT.pem]: name one file.');
  const given = option(parsed, 'root');
  const rootPem =
    given === null ? await readFile(rootFile(config), 'utf8').catch(() => undefined) : await readFile(given, 'utf8');
  const verification = await verifyAt(path, rootPem);
  out.document(verification);
  out.line(reportText(verification).trimEnd());
  return verification.ok ? 0 : 1;
}
