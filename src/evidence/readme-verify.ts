import { packageName } from './manifest.ts';

/** Raised when the text changes; the signed manifest states the version and the digest of the text it went with. */
export const instructionsVersion = 1;

/** What the instructions name. All of it is known before approval, so that the manifest can carry the text's digest. */
export interface InstructionFacts {
  readonly exportId: string;
  readonly service: string;
  /** SHA-256 of the root certificate's DER, lower-case hex. */
  readonly rootSha256: string;
  /** RFC 7638 thumbprints. */
  readonly sealKid: string;
  readonly approverKid: string;
}

/** A digest as `openssl x509 -fingerprint` prints it: upper-case pairs with colons. */
function fingerprint(sha256: string): string {
  return (sha256.toUpperCase().match(/../g) ?? []).join(':');
}

/**
 * README-VERIFY.txt: how a court, an opposing expert or an archivist checks the package with stock tools, offline.
 * Every command was run in this form on Debian 12 (openssl 3.0, coreutils, jq, jose 11, poppler-utils).
 */
export function instructions({ exportId, service, rootSha256, sealKid, approverKid }: InstructionFacts): string {
  const folder = packageName(exportId);
  return `HOW TO CHECK THIS PACKAGE                                    instructions version ${instructionsVersion}

Package:  ${folder}
Made by:  ${service} (Muniment)

This package can be checked without the people who made it: offline, with programs
that come with Debian, Ubuntu, macOS or Windows. Nothing in it has to be believed
because it is in it. Keys inside a package prove nothing by themselves, so begin
with step 1.

The commands are for a terminal opened in the folder ${folder}, after unpacking.
Each says what a good package prints. Anything else is a failure: keep the package
as it is and ask the sender in writing.


1. THE ROOT CERTIFICATE IS THE ONE THEY PUBLISH

   openssl x509 -in keys/root.pem -noout -fingerprint -sha256

   Expected:
   sha256 Fingerprint=${fingerprint(rootSha256)}

   Compare this with the fingerprint you were given another way: on the certificate
   of custodian, in the delivery letter, or at /.well-known/muniment/root.pem of the
   sender's site. Do not take it from this file alone. Save the root you were given
   as ../trusted-root.pem; the steps below use that file.


2. EVERY FILE IS UNCHANGED

   sha256sum --strict --quiet -c manifest-sha256.txt tagmanifest-sha256.txt && echo UNCHANGED

   Expected:  UNCHANGED
   Failure:   "NAME: FAILED" for each file that was changed.

   Windows (PowerShell or cmd), one file at a time; compare with manifest-sha256.txt:

   certutil -hashfile data\\search-report.json SHA256


3. NOTHING WAS ADDED OR TAKEN AWAY

   diff <(find data -type f | LC_ALL=C sort) <(cut -c67- manifest-sha256.txt | LC_ALL=C sort) && echo COMPLETE

   Expected:  COMPLETE
   Failure:   a line with < for a file that was added, > for one that is missing.
   (Needs bash. sha256sum alone does not notice added files.)


4. THE SIGNED MANIFEST LISTS THE SAME FILES

   diff <(jq -r '.files[]|"\\(.sha256)  \\(.path)"' manifest.json | LC_ALL=C sort) <(LC_ALL=C sort manifest-sha256.txt) && echo SAME

   Expected:  SAME


5. THE MANIFEST IS SEALED BY THE ORGANISATION

   openssl cms -verify -cades -binary -inform DER -in manifest.p7s -content manifest.json -CAfile ../trusted-root.pem -purpose any -out /dev/null

   Expected:  CAdES Verification successful
   Failure:   "Verification failure", and what was wrong.


6. THE TIME

   openssl ts -verify -data manifest.json -in manifest.tst -token_in -CAfile ../trusted-root.pem

   Expected:  Verification: OK
   The time itself:

   openssl ts -reply -in manifest.tst -token_in -text | grep 'Time stamp'

   manifest.tst comes from the organisation's own clock authority (self-operated: it
   shows consistency, not the word of a third party). Tokens of other authorities, if
   there are any, stand beside it as manifest.NAME.tst.


7. THE APPROVER SIGNED THE SAME BYTES (optional, needs the program "jose")

   jose jws ver -i manifest-jws.json -I manifest.json -k keys/system.jwk -O /dev/null && echo SEAL
   jose jws ver -i manifest-jws.json -I manifest.json -k keys/approver.jwk -O /dev/null && echo APPROVER
   jose jwk thp -i keys/approver.jwk -a S256
   jq -r .approver.kid manifest.json

   Expected:  SEAL, APPROVER, and twice
   ${approverKid}

   Without "jose", openssl can do the same (signature 0 is the seal, 1 the approver):

   b64u() { basenc --base64url -w0 | tr -d =; }
   N=1
   { jq -j .signatures[$N].protected manifest-jws.json; printf .; b64u < manifest.json; } > /tmp/input
   jq -r .signatures[$N].signature manifest-jws.json | tr -d '\\n' | sed 's/$/==/' | basenc -d --base64url > /tmp/rs
   H=$(od -An -v -tx1 /tmp/rs | tr -d ' \\n')
   printf 'asn1=SEQUENCE:s\\n[s]\\nr=INTEGER:0x%s\\ns=INTEGER:0x%s\\n' "\${H:0:64}" "\${H:64}" > /tmp/rs.cnf
   openssl asn1parse -genconf /tmp/rs.cnf -noout -out /tmp/rs.der
   X=$(jq -r .x keys/approver.jwk | tr -d '\\n' | sed 's/$/=/' | basenc -d --base64url | od -An -v -tx1 | tr -d ' \\n')
   Y=$(jq -r .y keys/approver.jwk | tr -d '\\n' | sed 's/$/=/' | basenc -d --base64url | od -An -v -tx1 | tr -d ' \\n')
   printf '3059301306072A8648CE3D020106082A8648CE3D03010703420004%s%s' $X $Y | tr a-f A-F | basenc -d --base16 > /tmp/key.der
   openssl dgst -sha256 -verify <(openssl pkey -pubin -inform DER -in /tmp/key.der) -signature /tmp/rs.der /tmp/input

   Expected:  Verified OK


8. THE SEAL'S KEY BELONGS TO THE SEAL'S CERTIFICATE

   openssl verify -CAfile ../trusted-root.pem keys/seal.pem

   Expected:  keys/seal.pem: OK
   The key id of the seal is ${sealKid}.


YEARS LATER. Certificates end. When openssl says "certificate has expired", check as of
the stamped time: add  -attime SECONDS  to the commands of steps 5 and 6, with the time
from step 6 as seconds since 1970 (date -u -d '2026-11-27 09:30:00' +%s).

WHAT IS IN THE FOLDER data/
   records/*.ndjson    the authoritative text: one record per line, exactly as stored
   *.csv               the same records as a table; UTF-8, RFC 4180, lines end in CRLF.
                       Text is quoted; a value that was absent (NULL) is an empty field
                       without quotes, an empty text is "". Values are as stored: a
                       spreadsheet may take a value that begins with = + - @ for a
                       formula. Look at the file in a text editor first.
   records/tree.ndjson for each record in order, the salt under which it was counted into
                       the tree whose root stands in manifest.json (recordsTree):
                       leaf = SHA-256(0x00, salt, the record's line without its line end),
                       joined as in RFC 6962. A withheld record has only its leaf.
   *.pdf               the record, rendered for reading
   attachments/        files as they were stored, named by their SHA-256

WHAT THIS SHOWS AND WHAT IT DOES NOT. A good package is the one that was sealed and
approved, byte for byte. It does not show that what people wrote is true, nor who held
the device they wrote it on.
`;
}
