/** The build of hls.js without subtitles, DRM and alternative sound has the types of the whole. */
declare module 'hls.js/light' {
  export * from 'hls.js'
  export { default } from 'hls.js'
}
