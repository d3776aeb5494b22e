// Support files that clean up after mocha's tests may be used outside of it too.
globalThis.after = () => undefined
