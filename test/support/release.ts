import { readFileSync } from 'node:fs';

/** The commands of docs/OPERATIONS.md that make and check a release, in order. */
export function releaseCommands(): readonly string[] {
  const [, shipped = ''] = readFileSync('docs/OPERATIONS.md', 'utf8').split('## What we ship');
  return [...shipped.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block = '']) => block.trim().split('\n'))
    .filter((command) => !/^npm run -s \w+$/.test(command));
}
