"""The Lua scripts of the room log and bus, for Redis 7.0 and Valkey 8 and 9.

Keys and topic of a channel share one hash tag, so that a script touches one slot of a cluster. It
publishes to that slot alone (see topics.py).

    rooms:{channel}:meta     hash    epoch, offset, run (id of the server that wrote last),
                                     state and saved (the offset it belongs to)
    rooms:{channel}:log      stream  one entry per event, id = offset-0, field e = MessagePack
    rooms:{channel}:done:T   string  end of the append with token T, against its resend
    rooms:{channel}:chat     list    the newest chat lines
    rooms:{channel}:tally    hash    likes, since when (`live`), and per worker its viewers and
                                     when they expire; who reported people, and how many of these
                                     are counted more than once (`again`)
    rooms:{channel}:people   hash    hash of a person = ids of the workers where they watch

An epoch ends where events may have been lost: with the keys, or with a server that restarted or
was replaced by its replica (its run id differs), since either may have forgotten the last second.
"""

# KEYS meta, log, done. ARGV new epoch, ttl ms, topic, least events kept, done ttl ms, 1 to append
# to an empty log only, events…
# Returns epoch, offset of the last event, offset of the saved state.
APPEND = """
local done = redis.call('GET', KEYS[3])
if done then
  local e, o, s = string.match(done, '(%w+) (%d+) (%d+)')
  return {e, tonumber(o), tonumber(s)}
end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'offset', 'run', 'saved')
local epoch, offset, saved = meta[1], tonumber(meta[2]) or 0, tonumber(meta[4]) or 0
if not epoch then
  redis.call('DEL', KEYS[2])
  epoch = ARGV[1]
elseif meta[3] ~= run then
  epoch = ARGV[1]
end
if ARGV[6] == '1' and offset > 0 then return {epoch, offset, saved} end
local first = offset + 1
for at = 7, #ARGV do
  offset = offset + 1
  redis.call('XADD', KEYS[2], string.format('%d-0', offset), 'e', ARGV[at])
end
-- What is not in the saved state yet must stay.
local oldest = math.min(saved + 1, offset - tonumber(ARGV[4]) + 1)
if oldest > 1 then redis.call('XTRIM', KEYS[2], 'MINID', string.format('%d-0', oldest)) end
redis.call('HSET', KEYS[1], 'epoch', epoch, 'offset', offset, 'run', run, 'saved', saved)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('SET', KEYS[3], string.format('%s %d %d', epoch, offset, saved), 'PX', ARGV[5])
local count = #ARGV - 6
local parts = {'E', epoch, ' ', string.format('%d', first), ' ',
  string.char(0xdc, math.floor(count / 256), count % 256)}
for at = 7, #ARGV do parts[#parts + 1] = ARGV[at] end
redis.call('PUBLISH', ARGV[3], table.concat(parts))
return {epoch, offset, saved}
"""

# KEYS meta, log. ARGV new epoch, ttl ms, which entries: "all", or "unsaved" for those that the
# saved state does not include. Returns epoch, offset, saved offset, saved state, entries.
READ = """
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'offset', 'saved', 'state')
if not meta[1] then
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'offset', 0,
    'run', string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'), 'saved', 0)
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {ARGV[1], 0, 0, '', {}}
end
local from = '-'
if ARGV[3] == 'unsaved' then from = string.format('%d-0', (tonumber(meta[3]) or 0) + 1) end
local entries = redis.call('XRANGE', KEYS[2], from, '+')
return {meta[1], tonumber(meta[2]), tonumber(meta[3]) or 0, meta[4] or '', entries}
"""

# KEYS meta, log, chat, tally. ARGV new epoch, ttl ms. Returns epoch, offset.
POSITION = """
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'offset')
if not meta[1] then
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'offset', 0,
    'run', string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'), 'saved', 0)
  meta = {ARGV[1], '0'}
end
for at = 1, #KEYS do redis.call('PEXPIRE', KEYS[at], ARGV[2]) end
return {meta[1], tonumber(meta[2])}
"""

# KEYS meta. ARGV epoch, offset, state. Keeps the newest state.
SAVE = """
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'saved')
if meta[1] == ARGV[1] and tonumber(ARGV[2]) > (tonumber(meta[2]) or 0) then
  redis.call('HSET', KEYS[1], 'saved', ARGV[2], 'state', ARGV[3])
end
return 0
"""

# KEYS chat. ARGV topic, payload, ttl ms, lines kept, lines…
PUBLISH_BATCH = """
if #ARGV > 4 then
  for at = 5, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[at]) end
  redis.call('LTRIM', KEYS[1], -tonumber(ARGV[4]), -1)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return redis.call('PUBLISH', ARGV[1], ARGV[2])
"""

# KEYS tally, people. ARGV worker id, viewers, likes, ttl of a worker ms, ttl of the keys ms, since
# when the likes are; and of people 1 to begin anew, how many joined, these, those who left.
# Returns viewers, likes, whether people of this worker are known, how many other workers there are.
# A worker is the field 'p:' + id, holding "viewers expires-at-ms", and 'w:' + id once its people
# are known. Each call costs what it changes; a worker that is gone costs all people once.
TALLY = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me = ARGV[1]
local again = tonumber(redis.call('HGET', KEYS[1], 'again')) or 0
local before = again

local function put(person)
  local at = redis.call('HGET', KEYS[2], person)
  if not at then
    redis.call('HSET', KEYS[2], person, me)
  elseif not string.find(' ' .. at .. ' ', ' ' .. me .. ' ', 1, true) then
    redis.call('HSET', KEYS[2], person, at .. ' ' .. me)
    again = again + 1
  end
end

local function take(person, at, worker)
  local padded = ' ' .. (at or '') .. ' '
  local from, to = string.find(padded, ' ' .. worker .. ' ', 1, true)
  if not from then return end
  local rest = string.sub(padded, 1, from) .. string.sub(padded, to + 1)
  rest = string.match(rest, '^ *(.-) *$')
  if rest == '' then
    redis.call('HDEL', KEYS[2], person)
  else
    redis.call('HSET', KEYS[2], person, rest)
    again = again - 1
  end
end

local function forget(worker)
  local people = redis.call('HGETALL', KEYS[2])
  for at = 1, #people, 2 do take(people[at], people[at + 1], worker) end
  redis.call('HDEL', KEYS[1], 'w:' .. worker)
end

local known = redis.call('HEXISTS', KEYS[1], 'w:' .. me) == 1
if tonumber(ARGV[2]) > 0 then
  redis.call('HSET', KEYS[1], 'p:' .. me, string.format('%d %d', ARGV[2], now + ARGV[4]))
else
  redis.call('HDEL', KEYS[1], 'p:' .. me)
  if known then forget(me) end
  known = false
end
if ARGV[7] and tonumber(ARGV[2]) > 0 then
  if ARGV[7] == '1' then
    if known then forget(me) end
    redis.call('HSET', KEYS[1], 'w:' .. me, 1)
    known = true
  end
  if known then
    local joined = tonumber(ARGV[8])
    for at = 9, 8 + joined do put(ARGV[at]) end
    for at = 9 + joined, #ARGV do
      take(ARGV[at], redis.call('HGET', KEYS[2], ARGV[at]), me)
    end
  end
end

local likes = tonumber(redis.call('HGET', KEYS[1], 'likes')) or 0
local since, newest = tonumber(ARGV[6]), tonumber(redis.call('HGET', KEYS[1], 'live')) or 0
if since > newest then
  redis.call('HSET', KEYS[1], 'live', ARGV[6], 'likes', 0)
  likes, newest = 0, since
end
if tonumber(ARGV[3]) > 0 and since == newest then
  likes = redis.call('HINCRBY', KEYS[1], 'likes', ARGV[3])
end

local viewers, others = 0, 0
local reporting, live = {}, {}
local fields = redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do
  local kind, worker = string.sub(fields[at], 1, 2), string.sub(fields[at], 3)
  if kind == 'p:' then
    local count, expires = string.match(fields[at + 1], '(%d+) (%d+)')
    if tonumber(expires) > now then
      viewers = viewers + tonumber(count)
      live[worker] = true
      if worker ~= me then others = others + 1 end
    else
      redis.call('HDEL', KEYS[1], fields[at])
    end
  elseif kind == 'w:' then
    reporting[#reporting + 1] = worker
  end
end
for _, worker in ipairs(reporting) do
  if not live[worker] then forget(worker) end
end
if again ~= before then redis.call('HSET', KEYS[1], 'again', again) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return {math.max(0, viewers - again), likes, known and 1 or 0, others}
"""
