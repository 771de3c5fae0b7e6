import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What we need of WebAssembly; Node's types name the namespace without its values. */
interface Wasm {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
}

/** The subset library of HarfBuzz, as WebAssembly without imports. */
interface SubsetModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(bytes: number): number;
  free(pointer: number): void;
  hb_blob_create(data: number, length: number, mode: number, user: number, destroy: number): number;
  hb_blob_destroy(blob: number): void;
  hb_blob_get_length(blob: number): number;
  hb_blob_get_data(blob: number, length: number): number;
  hb_face_create(blob: number, index: number): number;
  hb_face_destroy(face: number): void;
  hb_face_reference_blob(face: number): number;
  hb_set_add(set: number, value: number): void;
  hb_subset_input_create_or_fail(): number;
  hb_subset_input_destroy(input: number): void;
  hb_subset_input_glyph_set(input: number): number;
  hb_subset_input_set(input: number, which: number): number;
  hb_subset_input_set_flags(input: number, flags: number): void;
  hb_subset_or_fail(face: number, input: number): number;
  _initialize?(): void;
}

const retainGids = 0x2;
const noHinting = 0x1;
const writable = 2;
const droppedTables = 3;
// Glyphs are shaped already, and what they say is in the PDF's own maps: of a font's map some readers (PDFBox) would
// guess once more what a glyph says, and find every shaped word twice, the second time in the order of its ink.
const needless = ['cmap', 'GSUB', 'GPOS', 'GDEF'].map((tag) => Buffer.from(tag, 'latin1').readUInt32BE(0));
let loaded: SubsetModule | null = null;

function load(): SubsetModule {
  if (loaded) return loaded;
  const path = fileURLToPath(import.meta.resolve('harfbuzzjs/dist/harfbuzz-subset.wasm'));
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm };
  const instance = new wasm.Instance(new wasm.Module(readFileSync(path)));
  loaded = instance.exports as SubsetModule;
  loaded._initialize?.();
  return loaded;
}

/**
 * A font with only these glyphs in it, under their old numbers, so that pages can be written before anyone knows which
 * glyphs will be needed. @throws when the font cannot be subset
 */
export function subsetFont(font: Uint8Array, glyphs: Iterable<number>): Uint8Array {
  const hb = load();
  const data = hb.malloc(font.length);
  new Uint8Array(hb.memory.buffer).set(font, data);
  const blob = hb.hb_blob_create(data, font.length, writable, 0, 0);
  const face = hb.hb_face_create(blob, 0);
  hb.hb_blob_destroy(blob);
  const input = hb.hb_subset_input_create_or_fail();
  const wanted = hb.hb_subset_input_glyph_set(input);
  hb.hb_set_add(wanted, 0);
  for (const glyph of glyphs) hb.hb_set_add(wanted, glyph);
  const dropped = hb.hb_subset_input_set(input, droppedTables);
  for (const tag of needless) hb.hb_set_add(dropped, tag);
  hb.hb_subset_input_set_flags(input, retainGids | noHinting);
  const subset = hb.hb_subset_or_fail(face, input);
  hb.hb_subset_input_destroy(input);
  hb.hb_face_destroy(face);
  if (subset === 0) throw new Error('the font could not be subset');
  const result = hb.hb_face_reference_blob(subset);
  const at = hb.hb_blob_get_data(result, 0);
  const bytes = new Uint8Array(hb.memory.buffer).slice(at, at + hb.hb_blob_get_length(result));
  hb.hb_blob_destroy(result);
  hb.hb_face_destroy(subset);
  hb.free(data);
  return bytes;
}
