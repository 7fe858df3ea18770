import { describe, expect, it } from 'vitest'
import { invitationLink, invitationOf } from '../../src/lib/room/cohosts'

describe('the link of an invitation', () => {
  it('names the room and the secret behind the hash', () => {
    const invitation = { room_id: 'shop.1:kitchen', token: 'Ab-_'.repeat(10) }
    const link = new URL(invitationLink('https://shop.example', invitation))
    expect(link.pathname).toBe('/host')
    expect(invitationOf(link.hash)).toEqual(invitation)
  })

  it('is nothing else', () => {
    for (const hash of [
      '',
      '#',
      '#cohost=',
      '#cohost=demo',
      '#cohost=demo.short',
      '#other=demo.aaaaaaaaaaaaaaaaaaaa',
    ])
      expect(invitationOf(hash)).toBeNull()
  })
})
