/** XMP metadata (PDF/A-1, part 1 conformance B) with the same facts as the Info dictionary. */
export function xmp(facts: {
  readonly title: string;
  readonly producer: string;
  readonly creator: string;
}): Uint8Array {
  const escaped = (text: string) =>
    text
      .toWellFormed()
      .replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? '')
      .replace(/[^\t\n\r\x20-\uFFFD\u{10000}-\u{10FFFF}]/gu, ' ');
  return Buffer.from(
    `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">${escaped(facts.title)}</rdf:li></rdf:Alt></dc:title></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"><pdf:Producer>${escaped(facts.producer)}</pdf:Producer></rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:CreatorTool>${escaped(facts.creator)}</xmp:CreatorTool></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><pdfaid:part>1</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>`,
    'utf8',
  );
}

/**
 * A small ICC profile (version 2, matrix and curves) of the sRGB colour space: primaries and white point of
 * IEC 61966-2-1 adapted to D50, and its transfer curve in 1,024 steps. Written here, so that no profile file with a
 * licence of its own is needed.
 */
export function sRgbProfile(): Uint8Array {
  const text = 'sRGB, as Muniment writes it';
  const description = Buffer.alloc(12 + text.length + 1 + 8 + 3 + 67);
  description.write('desc', 0, 'latin1');
  description.writeUInt32BE(text.length + 1, 8);
  description.write(text, 12, 'latin1');
  const copyright = Buffer.from('text\0\0\0\0Public domain\0', 'latin1');
  const xyz = (x: number, y: number, z: number) => {
    const tag = Buffer.alloc(20);
    tag.write('XYZ ', 0, 'latin1');
    for (const [at, value] of [x, y, z].entries()) tag.writeInt32BE(Math.round(value * 65_536), 8 + at * 4);
    return tag;
  };
  const steps = 1024;
  const curve = Buffer.alloc(12 + steps * 2);
  curve.write('curv', 0, 'latin1');
  curve.writeUInt32BE(steps, 8);
  for (let step = 0; step < steps; step++) {
    const encoded = step / (steps - 1);
    const linear = encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4;
    curve.writeUInt16BE(Math.round(linear * 65_535), 12 + step * 2);
  }
  const tags: readonly [string, Buffer][] = [
    ['desc', description],
    ['cprt', copyright],
    ['wtpt', xyz(0.9642, 1, 0.8249)],
    ['rXYZ', xyz(0.43607, 0.22249, 0.01392)],
    ['gXYZ', xyz(0.38515, 0.71687, 0.09708)],
    ['bXYZ', xyz(0.14307, 0.06061, 0.7141)],
    ['rTRC', curve],
    ['gTRC', curve],
    ['bTRC', curve],
  ];
  return assemble(tags);
}

function assemble(tags: readonly [string, Buffer][]): Uint8Array {
  const table = Buffer.alloc(4 + tags.length * 12);
  table.writeUInt32BE(tags.length, 0);
  const bodies: Buffer[] = [];
  const places = new Map<Buffer, number>();
  let at = 128 + table.length;
  for (const [index, [name, body]] of tags.entries()) {
    let place = places.get(body);
    if (place === undefined) {
      place = at;
      places.set(body, place);
      const padded = Buffer.alloc(Math.ceil(body.length / 4) * 4);
      body.copy(padded);
      bodies.push(padded);
      at += padded.length;
    }
    table.write(name, 4 + index * 12, 'latin1');
    table.writeUInt32BE(place, 8 + index * 12);
    table.writeUInt32BE(body.length, 12 + index * 12);
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x02100000, 8);
  header.write('mntrRGB XYZ ', 12, 'latin1');
  for (const [index, part] of [2026, 1, 1, 0, 0, 0].entries()) header.writeUInt16BE(part, 24 + index * 2);
  header.write('acsp', 36, 'latin1');
  for (const [index, value] of [0.9642, 1, 0.8249].entries())
    header.writeInt32BE(Math.round(value * 65_536), 68 + index * 4);
  return Buffer.concat([header, table, ...bodies]);
}
