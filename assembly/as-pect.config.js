export default {
  entries: ["assembly/__tests__/*.spec.ts"],
  include: [],
  disclude: [/node_modules/],
  instantiate(_memory, createImports, instantiate, binary) {
    return instantiate(binary, createImports({}));
  },
  outputBinary: false,
};
