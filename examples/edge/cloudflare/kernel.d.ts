/** A `.wasm` file as Cloudflare's runtime imports it: compiled, not instantiated. */
declare const kernel: WebAssembly.Module;
export default kernel;
