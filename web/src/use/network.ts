/** Notices that the device has another network, or one again. */

/** Call back on every such change; the result unsubscribes. */
export function onNetworkChange(callback: () => void): () => void {
  const connection = (navigator as { connection?: EventTarget & { type?: string } }).connection
  let type = connection?.type
  // The browser's guess at the speed changes all the time; Wi-Fi to mobile is what matters.
  const check = () => {
    if (connection?.type === type) return
    type = connection?.type
    if (type !== 'none') callback()
  }
  window.addEventListener('online', callback)
  connection?.addEventListener('change', check)
  return () => {
    window.removeEventListener('online', callback)
    connection?.removeEventListener('change', check)
  }
}

/** Call back when the page is visible again: timers of hidden pages hardly run. */
export function onSeenAgain(callback: () => void): () => void {
  const look = () => {
    if (!document.hidden) callback()
  }
  document.addEventListener('visibilitychange', look)
  return () => document.removeEventListener('visibilitychange', look)
}
