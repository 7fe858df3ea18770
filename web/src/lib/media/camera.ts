/** What went wrong with a camera, from the error the browser gave. */

export type CameraTrouble = 'denied' | 'missing' | 'busy' | 'insecure' | 'lost'

/** The trouble an error of getUserMedia stands for. */
export function cameraTrouble(name: string): CameraTrouble {
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied'
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing'
  return 'busy'
}
