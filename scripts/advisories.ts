// Asks the registry for known advisories (npm audit). Ends with 1 when one of high or critical severity is about a package
// that runs in production; when the registry cannot be asked, it says so and ends with 0: that is no finding.
import { spawnSync } from 'node:child_process';
import { z } from 'zod';
import { productionPackages, readLock } from './lock.ts';

const reportFormat = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({ severity: z.string(), range: z.string(), nodes: z.array(z.string()) }),
  ),
});
const refusalFormat = z.object({
  statusCode: z.number().optional(),
  error: z.object({ code: z.string().nullish() }).optional(),
});

export type Advisories =
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'known'; readonly lines: readonly string[]; readonly severe: readonly string[] };

/** @param paths where production packages lie; advisories about others are printed and are no failure */
export function judge(output: string, paths: ReadonlySet<string>): Advisories {
  const document = parsed(output);
  const report = reportFormat.safeParse(document);
  if (!report.success) {
    const refusal = refusalFormat.safeParse(document);
    const reason = refusal.success ? (refusal.data.statusCode ?? refusal.data.error?.code) : null;
    return { kind: 'unknown', why: reason ? `it answered ${reason}` : 'there was no answer' };
  }
  const found = Object.entries(report.data.vulnerabilities).map(([name, { severity, range, nodes }]) => {
    const runs = nodes.some((path) => paths.has(path));
    const line = `${severity}: ${name} ${range}${runs ? '' : ' (development only)'}`;
    return { line, severe: runs && ['high', 'critical'].includes(severity) };
  });
  return {
    kind: 'known',
    lines: found.map(({ line }) => line),
    severe: found.filter(({ severe }) => severe).map(({ line }) => line),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

if (import.meta.main) {
  const words = ['audit', '--json', '--fetch-retries=0', '--fetch-timeout=15000'];
  const { stdout } = spawnSync('npm', words, { encoding: 'utf8', timeout: 60_000, maxBuffer: 64_000_000 });
  const answer = judge(stdout ?? '', new Set(productionPackages(readLock()).map(({ path }) => path)));
  if (answer.kind === 'unknown') {
    process.stdout.write(`The registry could not be asked (${answer.why}): nothing is known of advisories.\n`);
  } else {
    for (const line of answer.lines) process.stdout.write(`${line}\n`);
    process.stdout.write(
      `${answer.lines.length} advisories, ${answer.severe.length} high or critical in what runs in production\n`,
    );
    process.exitCode = answer.severe.length > 0 ? 1 : 0;
  }
}
