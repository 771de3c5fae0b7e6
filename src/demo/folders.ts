import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../core/hash.ts';
import type { Access } from './access-log.ts';
import { createRandom } from './random.ts';

/** Days of rotated log files: some are past eighteen months, which is 546 to 550 days. */
const logDays = 610;
/** Days of backups: some are past ninety, and fewer than a quarter of them. */
const backupDays = 112;

/** Called with every file: its path beneath the demo's folder and its SHA-256 in hex. */
export type OnFile = (path: string, sha256: string) => void;

/** Write one file, dated as if it had been written then. @param at milliseconds since 1970 in UTC */
export function writeDated(
  folder: string,
  path: string,
  content: Uint8Array | string,
  at: number,
  onFile: OnFile,
): string {
  const whole = join(folder, path);
  writeFileSync(whole, content);
  utimesSync(whole, at / 1000, at / 1000);
  const digest = sha256Hex(content);
  onFile(path, digest);
  return digest;
}

const methodOf: Readonly<Record<Access['action'], string>> = {
  'session.start': 'POST',
  'session.denied': 'POST',
  'message.send': 'POST',
  'conversation.read': 'GET',
  'attachment.open': 'GET',
};
const statusOf: Readonly<Record<Access['action'], number>> = {
  'session.start': 204,
  'session.denied': 401,
  'message.send': 201,
  'conversation.read': 200,
  'attachment.open': 200,
};
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * The web server's logs in the common log format, one file a day (UTC) as `logs/access/access-YYYY-MM-DD.log`, and
 * `access.log`, which is being written.
 * @param accesses in order of time
 */
export function writeLogs(
  folder: string,
  today: Temporal.PlainDate,
  accesses: readonly Access[],
  onFile: OnFile,
): number {
  mkdirSync(join(folder, 'logs/access'), { recursive: true });
  const byDay = Map.groupBy(accesses, ({ at }) => Math.floor(at / 86_400_000));
  const lastDay = dayNumber(today);
  for (let day = lastDay - logDays; day < lastDay; day++) {
    const lines = (byDay.get(day) ?? []).map((access) => commonLogLine(access));
    const midnight = day * 86_400_000;
    const text = [probeLine(midnight), ...lines, probeLine(midnight + 86_399_000)].join('\n');
    const date = today.subtract({ days: lastDay - day }).toString();
    writeDated(folder, `logs/access/access-${date}.log`, `${text}\n`, midnight + 86_400_000, onFile);
  }
  const live = lastDay * 86_400_000;
  writeDated(folder, 'logs/access/access.log', `${probeLine(live)}\n`, live, onFile);
  return logDays + 1;
}

function commonLogLine({ person, at, address, action, path }: Access): string {
  const bytes = action === 'session.start' ? '-' : String(180 + (path.length * 37 + (at % 4096)));
  const user = person ? `u${person.id}` : '-';
  return `${address} - ${user} [${logTime(at)}] "${methodOf[action]} ${path} HTTP/1.1" ${statusOf[action]} ${bytes}`;
}

/** The load balancer asks whether all is well, also on a quiet day. */
function probeLine(at: number): string {
  return `192.0.2.250 - - [${logTime(at)}] "GET /healthz HTTP/1.1" 200 2`;
}

/** `27/Nov/2026:09:30:00 +0000` */
function logTime(at: number): string {
  const [date = '', time = ''] = Temporal.Instant.fromEpochMilliseconds(at).toString().slice(0, 19).split('T');
  const [year = '', month = '', day = ''] = date.split('-');
  return `${day}/${months[Number(month) - 1] ?? ''}/${year}:${time} +0000`;
}

/**
 * One backup a night as `backups/daily/kinfolk-YYYY-MM-DD.backup`: a header that says what it holds, and a body that
 * stands for the dump.
 * @param messagesBefore how many messages had been sent before an instant (milliseconds)
 */
export function writeBackups(
  folder: string,
  seed: string,
  today: Temporal.PlainDate,
  messagesBefore: (at: number) => number,
  onFile: OnFile,
): number {
  mkdirSync(join(folder, 'backups/daily'), { recursive: true });
  const lastDay = dayNumber(today);
  for (let ago = backupDays; ago >= 1; ago--) {
    const date = today.subtract({ days: ago }).toString();
    const at = (lastDay - ago) * 86_400_000 + 3 * 3_600_000;
    const random = createRandom(`${seed}/backup/${date}`);
    const body = Buffer.from(Uint8Array.from({ length: 1536 }, () => random.whole(0, 255))).toString('base64');
    const header = [
      'KINFOLK BACKUP 1',
      `Taken: ${Temporal.Instant.fromEpochMilliseconds(at).toString()}`,
      'Database: kinfolk',
      `Messages: ${messagesBefore(at)}`,
      `Body-SHA-256: ${sha256Hex(body)}`,
    ];
    writeDated(folder, `backups/daily/kinfolk-${date}.backup`, `${header.join('\n')}\n\n${body}\n`, at, onFile);
  }
  return backupDays;
}

/** Days since 1970-01-01. */
function dayNumber(date: Temporal.PlainDate): number {
  return Math.floor(date.toZonedDateTime('UTC').epochMilliseconds / 86_400_000);
}
