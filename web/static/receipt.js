// The same check as verify_receipt.py, in the voter's own browser: RFC 9162, 2.1.3.2, with WebCrypto.

const bytes = (hex) => {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new Error(hex);
  return Uint8Array.from(hex.match(/../g) ?? [], (two) => parseInt(two, 16));
};
const hexOf = (raw) => Array.from(raw, (one) => one.toString(16).padStart(2, "0")).join("");

async function parent(left, right) {
  const joined = new Uint8Array(1 + left.length + right.length);
  joined[0] = 1;
  joined.set(left, 1);
  joined.set(right, 1 + left.length);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
}

// Division, never bit operators: those would cut a place in a large ballot to 32 bits.
async function rootFrom(leaf, index, size, path) {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && 0 <= index && index < size)) return null;
  let place = index, last = size - 1, reached = leaf;
  const up = () => { place = Math.floor(place / 2); last = Math.floor(last / 2); };
  for (const sibling of path) {
    if (last === 0) return null;
    if (place % 2 === 1 || place === last) {
      reached = await parent(sibling, reached);
      while (place % 2 === 0 && place !== 0) up();
    } else {
      reached = await parent(reached, sibling);
    }
    up();
  }
  return last === 0 ? reached : null;
}

// "" if the proof holds, else why not.
async function verify(proof, leaf, root) {
  if (proof.error) return proof.error.zh;
  if (proof.status !== "sealed") return "已受理，尚未封存：请在计票封存后再来核验。";
  if (proof.leaf !== leaf) return "证明与您的回执不符。";
  if (proof.root !== root) return "证明与公告公布的根不符。";
  const reached = await rootFrom(bytes(leaf), proof.index, proof.size, proof.path.map(bytes));
  return reached !== null && hexOf(reached) === root ? "" : "路径不成立：选票不在封存的计票树中。";
}

if (typeof document === "undefined") {
  module.exports = { verify };
} else {
  document.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [receipt, leaf, root] = ["receipt", "leaf", "root"].map(
      (name) => document.getElementById(name).value.trim(),
    );
    const said = document.getElementById("said");
    said.textContent = "正在核验……";
    try {
      const proof = await (await fetch("receipts/" + encodeURIComponent(receipt))).json();
      const fault = await verify(proof, leaf.toLowerCase(), root.toLowerCase());
      said.textContent = fault || `核验通过：您的选票已在封存的计票树中（第 ${proof.index + 1} 张）。`;
    } catch (fault) {
      said.textContent = "无法核验：" + fault.message;
    }
  });
}
