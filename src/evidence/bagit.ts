import type { Manifest, PayloadFile } from './manifest.ts';

/** bagit.txt of every package (RFC 8493 section 2.1.1). */
export const bagDeclaration = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n';

/**
 * One line of a checksum list: the form `sha256sum -c` reads, two spaces and LF.
 * A name with CR, LF or % is percent-encoded as RFC 8493 section 2.1.3 asks; packages never hold such names.
 */
function checksumLine(sha256: string, path: string): string {
  return `${sha256}  ${path.replace(/[%\r\n]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)}\n`;
}

/** manifest-sha256.txt or tagmanifest-sha256.txt over these files, in path order. */
export function checksumList(files: readonly Pick<PayloadFile, 'path' | 'sha256'>[]): string {
  return files
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map((file) => checksumLine(file.sha256, file.path))
    .join('');
}

/** bag-info.txt, made from the signed manifest alone so that a verifier can make it again and compare. */
export function bagInfo(manifest: Manifest): string {
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  // A value may not break the line it stands on (RFC 8493 section 2.2.2).
  const value = (raw: string) => raw.replace(/\s+/g, ' ').trim();
  return [
    `Source-Organization: ${value(manifest.source.service)}`,
    `External-Identifier: ${manifest.exportId}`,
    `Bagging-Date: ${manifest.createdAt.slice(0, 10)}`,
    `Payload-Oxum: ${bytes}.${manifest.files.length}`,
    `Bag-Software-Agent: Muniment ${value(manifest.source.softwareVersion)}`,
    '',
  ].join('\n');
}

/** A bag as a checker sees it: member paths below the bag's folder, and ways to read and digest one. */
export interface Bag {
  readonly paths: readonly string[];
  /** The bytes of a small tag file. */
  read(path: string): Promise<Uint8Array>;
  /** Lower-case hex digest of a member under `md5`, `sha1`, `sha224`, `sha256`, `sha384` or `sha512`. */
  digest(path: string, algorithm: string): Promise<string>;
}

/** One thing wrong with a bag. */
export interface BagProblem {
  readonly code:
    | 'declaration_missing'
    | 'declaration_malformed'
    | 'version_unsupported'
    | 'encoding_unsupported'
    | 'manifest_missing'
    | 'algorithm_unsupported'
    | 'manifest_malformed'
    | 'path_forbidden'
    | 'path_listed_twice'
    | 'file_missing'
    | 'file_unlisted'
    | 'file_changed'
    | 'fetch_forbidden_path';
  readonly path: string;
}

const algorithms = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'];
const versions = ['0.93', '0.94', '0.95', '0.96', '0.97', '1.0'];

/**
 * Check any bag against RFC 8493 (and the 0.9x drafts before it): declaration, every payload manifest complete in both
 * directions, every tag manifest's files unchanged, no path that leaves the bag. Valid: no problems.
 * Our own packages are held to more than this; see claims.ts.
 */
export async function checkBag(bag: Bag): Promise<readonly BagProblem[]> {
  if (!bag.paths.includes('bagit.txt')) return [{ code: 'declaration_missing', path: 'bagit.txt' }];
  const declaration = readDeclaration(await bag.read('bagit.txt'));
  if ('code' in declaration) return [declaration];

  const problems: BagProblem[] = [];
  const payload = bag.paths.filter((path) => path.startsWith('data/'));

  const lists = bag.paths.flatMap((path) => {
    const match = /^(tag)?manifest-([a-z0-9]+)\.txt$/.exec(path);
    return match ? [{ path, tags: match[1] === 'tag', algorithm: match[2] ?? '' }] : [];
  });
  if (!lists.some((list) => !list.tags)) problems.push({ code: 'manifest_missing', path: 'manifest-*.txt' });

  for (const list of lists) {
    if (!algorithms.includes(list.algorithm)) {
      problems.push({ code: 'algorithm_unsupported', path: list.path });
      continue;
    }
    const lines = decode(await bag.read(list.path), declaration.encoding);
    const listed = lines === null ? null : readChecksumList(lines);
    if (listed === null) {
      problems.push({ code: 'manifest_malformed', path: list.path });
      continue;
    }
    problems.push(...(await checkList(bag, list, listed)));
    const names = new Set(listed.map((line) => line.path));
    if (!list.tags) problems.push(...payload.filter((path) => !names.has(path)).map(problem('file_unlisted')));
  }
  if (bag.paths.includes('fetch.txt'))
    problems.push(...checkFetch(decode(await bag.read('fetch.txt'), declaration.encoding)));
  return problems;
}

const problem =
  (code: BagProblem['code']) =>
  (path: string): BagProblem => ({ code, path });

function readDeclaration(bytes: Uint8Array): BagProblem | { readonly encoding: string } {
  // The declaration itself is always UTF-8 without a byte order mark, whatever it declares for the others.
  const match = /^BagIt-Version: (\d+\.\d+)\r?\nTag-File-Character-Encoding: ([A-Za-z0-9._-]+)(?:\r?\n)?$/.exec(
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes),
  );
  if (!match) return { code: 'declaration_malformed', path: 'bagit.txt' };
  const [, version = '', encoding = ''] = match;
  if (!versions.includes(version)) return { code: 'version_unsupported', path: 'bagit.txt' };
  if (!/^(utf-8|utf-16(le|be)?|iso-8859-1|us-ascii)$/i.test(encoding))
    return { code: 'encoding_unsupported', path: 'bagit.txt' };
  return { encoding };
}

function decode(bytes: Uint8Array, encoding: string): string | null {
  // UTF-16 without further word means: what the byte order mark says, else big-endian (RFC 2781 section 4.3).
  const bigEndian = /^utf-16$/i.test(encoding) && !(bytes[0] === 0xff && bytes[1] === 0xfe);
  try {
    return new TextDecoder(bigEndian ? 'utf-16be' : encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

interface Checksum {
  readonly digest: string;
  readonly path: string;
  readonly forbidden: boolean;
}

/** Read a checksum list; null where a line is not one. Lines end in LF, CR or CRLF. */
export function readChecksumList(text: string): readonly Checksum[] | null {
  const lines = text.split(/\r\n|\n|\r/).filter((line) => line !== '');
  const read = lines.map((line): Checksum | null => {
    const match = /^([0-9A-Fa-f]+)[ \t]+\*?(.+)$/s.exec(line);
    if (!match) return null;
    // Only CR, LF and % are ever encoded (RFC 8493 section 2.1.3): %7E is a name with a percent sign in it.
    const path = (match[2] ?? '').replace(/%(0[AaDd]|25)/g, (code) => decodeURIComponent(code)).replace(/^(\.\/)+/, '');
    return { digest: (match[1] ?? '').toLowerCase(), path, forbidden: leavesBag(path) };
  });
  return read.includes(null) ? null : read.filter((line) => line !== null);
}

/** Absolute paths, home folders, drive letters, and any step upwards (RFC 8493 section 5.3). */
function leavesBag(path: string): boolean {
  return /^[/\\~]|^[A-Za-z]:/.test(path) || path.split(/[/\\]/).includes('..');
}

async function checkList(
  bag: Bag,
  list: { readonly tags: boolean; readonly algorithm: string },
  listed: readonly Checksum[],
): Promise<readonly BagProblem[]> {
  const problems: BagProblem[] = [];
  const seen = new Set<string>();
  const present = new Set(bag.paths);
  for (const line of listed) {
    if (line.forbidden || line.path.startsWith('data/') === list.tags)
      problems.push({ code: 'path_forbidden', path: line.path });
    else if (seen.has(line.path)) problems.push({ code: 'path_listed_twice', path: line.path });
    else if (!present.has(line.path)) problems.push({ code: 'file_missing', path: line.path });
    else if ((await bag.digest(line.path, list.algorithm)) !== line.digest)
      problems.push({ code: 'file_changed', path: line.path });
    seen.add(line.path);
  }
  return problems;
}

function checkFetch(text: string | null): readonly BagProblem[] {
  if (text === null) return [{ code: 'manifest_malformed', path: 'fetch.txt' }];
  const paths = text
    .split(/\r\n|\n|\r/)
    .filter((line) => line !== '')
    .map((line) => /^\S+[ \t]+(?:\d+|-)[ \t]+(.+)$/.exec(line)?.[1] ?? '');
  return paths
    .filter((path) => leavesBag(path) || !path.replace(/^(\.\/)+/, '').startsWith('data/'))
    .map(problem('fetch_forbidden_path'));
}
