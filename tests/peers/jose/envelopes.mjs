// Envelopes of the exchange by an implementation that shares no code with ours: npm's jose over Node's WebCrypto.
//
//   npm install --prefix tests/peers/jose        once
//   node tests/peers/jose/envelopes.mjs < orders  one JSON object a line in, one out
//
// {"do": "open", "envelope", "recipient", "sender"}          -> {"header", "signature_header", "payload"}
// {"do": "seal", "payload", "recipient", "sender", "header", "signature_header"} -> {"envelope"}
// Keys are JWKs; `payload` is the very text that is signed.
import { createInterface } from "node:readline";
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify, importJWK } from "jose";

const text = (bytes) => new TextDecoder().decode(bytes);
const bytes = (words) => new TextEncoder().encode(words);

async function open({ envelope, recipient, sender }) {
  const sealing = await importJWK(recipient, "ECDH-ES");
  const signing = await importJWK(sender, "Ed25519");
  const outer = await compactDecrypt(envelope, sealing, {
    keyManagementAlgorithms: ["ECDH-ES"],
    contentEncryptionAlgorithms: ["A256GCM"],
  });
  const inner = await compactVerify(text(outer.plaintext), signing, { algorithms: ["Ed25519"] });
  return { header: outer.protectedHeader, signature_header: inner.protectedHeader, payload: text(inner.payload) };
}

async function seal({ payload, recipient, sender, header, signature_header }) {
  const signing = await importJWK(sender, "Ed25519");
  const sealing = await importJWK(recipient, "ECDH-ES");
  const signed = await new CompactSign(bytes(payload)).setProtectedHeader(signature_header).sign(signing);
  const envelope = await new CompactEncrypt(bytes(signed)).setProtectedHeader(header).encrypt(sealing);
  return { envelope };
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  try {
    console.log(JSON.stringify(await (order.do === "open" ? open(order) : seal(order))));
  } catch (error) {
    console.log(JSON.stringify({ error: error.code ?? String(error) }));
  }
}
