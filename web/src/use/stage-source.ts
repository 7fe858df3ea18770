/** What a video element plays, by whichever road. */

export interface StageSource {
  /** Play in `video`; call it once. */
  attach: (video: HTMLVideoElement) => void
  /** The media time of the frame at a position of the element, s; null where the browser does not say. */
  mediaTime: (position_s: number, frame?: VideoFrameCallbackMetadata) => number | null
}

export function fromStream(stream: MediaStream): StageSource {
  return {
    attach: (video) => void (video.srcObject = stream),
    mediaTime: (_, frame) => frame?.rtpTimestamp ?? null,
  }
}

/** Between looks at the position where there are no frames, ms. */
const LOOK_EVERY_MS = 100

/** Call back once with the media time of what `video` shows next. */
export function onNextFrame(
  video: HTMLVideoElement | null,
  source: StageSource | null,
  callback: (media_time: number | null) => void,
): void {
  if (!video || !source) callback(null)
  else if (video.videoWidth === 0)
    setTimeout(() => callback(source.mediaTime(video.currentTime)), LOOK_EVERY_MS)
  else if (!video.requestVideoFrameCallback) callback(null)
  else video.requestVideoFrameCallback((_, frame) => callback(source.mediaTime(frame.mediaTime, frame)))
}
