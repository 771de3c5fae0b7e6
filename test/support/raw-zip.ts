import { crc32, deflateRawSync } from 'node:zlib';

/** An entry of a hand-made archive; whatever is left out is told honestly. */
interface RawEntry {
  readonly name: string;
  readonly body: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly crc?: number;
  readonly localName?: string;
  readonly attributes?: number;
  readonly at?: number;
}

/** An archive written byte by byte, so that it can lie in any place. */
export function rawZip(entries: readonly RawEntry[], comment = ''): Buffer {
  const parts: Buffer[] = [];
  const listing: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const method = entry.method ?? 0;
    const packed = method === 8 ? deflateRawSync(entry.body) : Buffer.from(entry.body);
    const fields = (name: Buffer) => {
      const header = Buffer.alloc(26);
      header.writeUInt16LE(20, 0);
      header.writeUInt16LE(entry.flags ?? 0, 2);
      header.writeUInt16LE(method, 4);
      header.writeUInt16LE(0x21, 8);
      header.writeUInt32LE(entry.crc ?? crc32(entry.body), 10);
      header.writeUInt32LE(packed.length, 14);
      header.writeUInt32LE(entry.size ?? entry.body.length, 18);
      header.writeUInt16LE(name.length, 22);
      return header;
    };
    const local = Buffer.from(entry.localName ?? entry.name);
    const name = Buffer.from(entry.name);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((entry.attributes ?? 0o100644 << 16) >>> 0, 6);
    tail.writeUInt32LE(entry.at ?? offset, 10);
    const made = Buffer.alloc(2);
    made.writeUInt16LE((3 << 8) | 20);
    listing.push(Buffer.from('PK\x01\x02'), made, fields(name), tail, name);
    if (entry.at !== undefined) continue;
    const block = Buffer.concat([Buffer.from('PK\x03\x04'), fields(local), local, packed]);
    parts.push(block);
    offset += block.length;
  }
  const directory = Buffer.concat(listing);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...parts, directory, end, Buffer.from(comment)]);
}
