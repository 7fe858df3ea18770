-- Replaces the offers of products, except those that a newer reading of the record wrote. The index
-- of a product, `|{product}`, is version, time and fields of the writing, one per line. Where an
-- offer becomes dearer, the price before is kept for a while; see `replace_offers` in
-- commerce/orders/gate.py, its rule and oracle.
--
-- KEYS  1 products  2 prices before
-- ARGV  1 version and time of the reading, and for how many ms the price before holds
--       then per product: its id, its index, how many offers it has, and field and facts of each
-- Gives how many products were replaced.

local version, at_ms, grace_ms = string.match(ARGV[1], '^(%d+) (%d+) (%d+)$')
version, at_ms = tonumber(version), tonumber(at_ms)
local kept = false

-- The offer that holds where a field is for: its own, or the next wider one.
local function found(offers, field)
  local member = string.sub(field, 1, 2) == '+|'
  local place = member and string.sub(field, 3) or field
  local parts = {}
  for part in string.gmatch(place, '[^|]+') do parts[#parts + 1] = part end
  local places = {place}
  if #parts == 3 then places[2] = parts[1] .. '|' .. parts[2] end
  if #parts > 1 then places[#places + 1] = parts[2] end
  for _, each in ipairs(places) do
    local facts = member and offers['+|' .. each] or offers[each]
    if facts then return facts end
  end
end

local function keep_previous(field, old, new)
  local before, after = found(old, field), found(new, field)
  if not before or not after then return end
  local old_fen, on_sale = string.match(before, '^(%d+) %d+ (%d)')
  if on_sale ~= '1' then return end
  if tonumber(string.match(after, '^(%d+)')) <= tonumber(old_fen) then return end
  local until_ms = string.format('%d', at_ms + tonumber(grace_ms))
  redis.call('HSET', KEYS[2], field, old_fen .. ' ' .. until_ms)
  kept = true
end

local replaced, at = 0, 2
while at <= #ARGV do
  local index, count = '|' .. ARGV[at], tonumber(ARGV[at + 2])
  local known = redis.call('HGET', KEYS[1], index)
  local newer, old = false, nil
  if known then
    local known_version, known_ms, fields = string.match(known, '^(%d+) (%d+)\n(.*)$')
    known_version, known_ms = tonumber(known_version), tonumber(known_ms)
    newer = known_version > version or known_version == version and known_ms > at_ms
    if not newer then
      old = {}
      for field in string.gmatch(fields, '[^\n]+') do
        old[field] = redis.call('HGET', KEYS[1], field) or nil
        redis.call('HDEL', KEYS[1], field)
      end
    end
  end
  if not newer then
    local new = {}
    redis.call('HSET', KEYS[1], index, ARGV[at + 1])
    for n = at + 3, at + 1 + 2 * count, 2 do
      new[ARGV[n]] = ARGV[n + 1]
      redis.call('HSET', KEYS[1], ARGV[n], ARGV[n + 1])
    end
    if old then
      for field in pairs(old) do keep_previous(field, old, new) end
      for field in pairs(new) do
        if not old[field] then keep_previous(field, old, new) end
      end
    end
    replaced = replaced + 1
  end
  at = at + 3 + 2 * count
end
if kept then redis.call('PEXPIRE', KEYS[2], grace_ms) end
return replaced
