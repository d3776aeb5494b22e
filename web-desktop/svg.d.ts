// What the build makes of pictures: text to put in a page, or the address of a copied file.
declare module '*.svg' {
  const text: string
  export default text
}
declare module '*.svg?url' {
  const address: string
  export default address
}
