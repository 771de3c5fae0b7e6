/** Where bytes go while they are made: a blob, an answer, a file. A writer waits for each promise: that is the backpressure. */
export interface Sink {
  write(chunk: Uint8Array): Promise<void>;
}

const flushAt = 64 * 1024;

/**
 * Text gathered into chunks of about 64 KiB of UTF-8 on its way to a sink. Most calls only append to a string and
 * return nothing to wait for, which is what makes a row cheap.
 * A lone surrogate, which UTF-8 cannot say, becomes U+FFFD: visible, never dropped.
 * @param begin text that stands before all else
 */
export function textSink(
  sink: Sink,
  begin = '',
): { add(text: string): Promise<void> | undefined; flush(): Promise<void> } {
  let pending = begin;
  const flush = async () => {
    const chunk = pending;
    pending = '';
    if (chunk !== '') await sink.write(Buffer.from(chunk, 'utf8'));
  };
  return {
    add: (text) => {
      pending += text;
      return pending.length >= flushAt ? flush() : undefined;
    },
    flush,
  };
}
