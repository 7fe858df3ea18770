-- Replaces the offers of products, except those that a newer reading of the record wrote. The index
-- of a product, `|{product}`, is version, time and fields of the writing, one per line.
--
-- KEYS  1 products
-- ARGV  1 version and time of the reading
--       then per product: its id, its index, how many offers it has, and field and facts of each
-- Gives how many products were replaced.

local version, at_ms = string.match(ARGV[1], '^(%d+) (%d+)$')
version, at_ms = tonumber(version), tonumber(at_ms)
local replaced, at = 0, 2
while at <= #ARGV do
  local index, count = '|' .. ARGV[at], tonumber(ARGV[at + 2])
  local known = redis.call('HGET', KEYS[1], index)
  local newer = false
  if known then
    local known_version, known_ms, fields = string.match(known, '^(%d+) (%d+)\n(.*)$')
    known_version, known_ms = tonumber(known_version), tonumber(known_ms)
    newer = known_version > version or known_version == version and known_ms > at_ms
    if not newer then
      for field in string.gmatch(fields, '[^\n]+') do redis.call('HDEL', KEYS[1], field) end
    end
  end
  if not newer then
    redis.call('HSET', KEYS[1], index, ARGV[at + 1])
    for n = at + 3, at + 1 + 2 * count, 2 do
      redis.call('HSET', KEYS[1], ARGV[n], ARGV[n + 1])
    end
    replaced = replaced + 1
  end
  at = at + 3 + 2 * count
end
return replaced
