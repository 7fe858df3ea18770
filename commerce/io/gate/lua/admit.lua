-- Admits one tap. Its rule in Python, and its oracle in tests, is commerce/orders/gate.py; what
-- stands behind a dollar sign is filled in by commerce/io/gate/codec.py.
--
-- KEYS  1 epoch  2 idem:{order}  3 orders (stream)  4 products  5 open  6 group:{group}
--       7 seats:{group}  8 bought:{household}:{product}  9 available  10 held  11 holds  12 hold
--       13… bought:{household}:{product} of the second line and those after it
--       (and bought:{household}:{quota} of a flash sale, which only the script knows)
--       (and coupon:{id} of a tap with a coupon; both begin as the first key does)
-- ARGV  1 now
--       2 the tap
--       3 hold ms|idempotency ms|limit window ms|backlog max|seats kept ms
--       4 candidate stores, best first, each with the slots that it may take there, and followed
--         by |: "s1 980250:4 980251|s2|"; a number after a slot is how many of it must stay free
--       5 of a half (admit_halves.lua), which joins no group: "look" writes nothing, "half" does what
--         a look has allowed
-- Gives {status, a, b, c, d}.

local epoch_and_key = redis.call('MGET', KEYS[1], KEYS[2])
if not epoch_and_key[1] then return {'not-ready'} end

local at_ms = ARGV[1]
local now = tonumber(at_ms)
local $TAP = string.match(ARGV[2], $TAP_PATTERN)
local hold_ms, idempotency_ms, window_ms, backlog_max, seats_ms =
  string.match(ARGV[3], '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$')
local units = tonumber(quantity)
explicit = explicit == '1'
local is_half, looks = ARGV[5] ~= nil, ARGV[5] == 'look'
if household_id == '' then household_id = guest_id end
local plain = lines == ''  -- one item, which is most taps: no lists are made for it
local several = not plain and string.find(lines, ',', 1, true)

local known = epoch_and_key[2]
if known then
  local known_body, refusal, left, product = string.match(known, $KEY_PATTERN)
  if known_body ~= body_hash then return {'refused', 'key-reused', '0', ''} end
  if refusal ~= '-' then return {'refused', refusal, left, product} end
  return {'replayed'}
end

local function refuse(refusal, left, product)
  left = string.format('%d', left)
  product = several and product or ''
  if looks then return {'refused', refusal, left, product} end
  local key = body_hash .. ' ' .. refusal .. ' ' .. left
  if product ~= '' then key = key .. ' ' .. product end
  redis.call('SET', KEYS[2], key, 'PX', idempotency_ms)
  return {'refused', refusal, left, product}
end

-- Price, limit, whether it is on sale ('1'), version of the recipe; nil for what is not known.
-- The only place that reads them.
-- After it, `flash` is the flash sale of the product that was looked at last.
local flash
local function facts_of(product)
  local here = estate_id .. '|' .. product
  local facts
  if member ~= '1' then
    local offers = redis.call('HMGET', KEYS[4], here .. '|' .. room_id, here, product,
      '!|' .. room_id .. '|' .. product)
    facts = offers[1] or offers[2] or offers[3]
    flash = offers[4]
  else
    local room = here .. '|' .. room_id
    local offers = redis.call('HMGET', KEYS[4], '+|' .. room, room, '+|' .. here, here,
      '+|' .. product, product, '!|' .. room_id .. '|' .. product)
    for at = 1, 6 do facts = facts or offers[at] end
    flash = offers[7]
  end
  if not facts then return nil end
  return string.match(facts, $PRODUCT_PATTERN)
end

if ARGV[5] ~= 'half' and redis.call('XLEN', KEYS[3]) >= tonumber(backlog_max) then
  return {'busy'}
end

local place = estate_id .. '|' .. product_id
if not explicit and not several and not is_half then
  local open = redis.call('HGET', KEYS[5], place) or ''
  if open ~= group_id then return {'group', open} end
end

-- What is tapped: one item, or lines of {product, units, price seen, price, limit}; `flash` is then
-- the sale of the first line whose product is in one.
local price_fen, limit, on_sale, recipe
local tapped = {}
local flash_at, flash_there
if plain then
  price_fen, limit, on_sale, recipe = facts_of(product_id)
  if on_sale ~= '1' then return refuse('not-on-sale', 0) end
  if recipe ~= '' and recipe ~= '0' then return {'stale'} end
else
  for product, count, seen, version in string.gmatch(lines, $LINE_PATTERN) do
    local price, most
    price, most, on_sale, recipe = facts_of(product)
    if on_sale ~= '1' then return refuse('not-on-sale', 0, product) end
    if (recipe == '' and '0' or recipe) ~= version then return {'stale'} end
    tapped[#tapped + 1] = {product, count, seen, price, tonumber(most), version}
    if flash and not flash_at then flash_at, flash_there = #tapped, flash end
  end
  price_fen, flash = tapped[1][4], flash_there
end

-- The quota from which a line is sold at a flash sale's price, before any group's.
local quota, flash_fen, counted, flash_product, flash_units
if flash_id ~= '' or flash and not explicit then
  if flash_id ~= '' and several then return refuse('flash-over', 0, product_id) end
  local sale, starts, ends, fen, most
  if flash then sale, starts, ends, fen, most = string.match(flash, $FLASH_PATTERN) end
  -- One that is not known may come: nothing is decided.
  if not sale or flash_id ~= '' and flash_id ~= sale then return {'refused', 'not-yet', '0', ''} end
  local seen
  if plain then
    flash_product, flash_units, seen = product_id, quantity, expected_price_fen
  else
    flash_product, flash_units, seen = unpack(tapped[flash_at], 1, 3)
  end
  local units = tonumber(flash_units)
  if now < tonumber(starts) then
    if flash_id ~= '' then return {'refused', 'not-yet', starts, ''} end
  else
    local all_units = '$FLASH' .. sale
    local right = all_units .. ':' .. household_id
    local over = now >= tonumber(ends)
    local free = redis.call('HMGET', KEYS[9], right .. '|', all_units .. '|')
    local own, common = tonumber(free[1] or '0'), over and 0 or tonumber(free[2] or '0')
    local wanted = flash_id ~= '' or not over and seen == fen
    counted = string.sub(KEYS[1], 1, -#'epoch' - 1)
      .. 'bought:' .. household_id .. ':' .. all_units
    local bought = tonumber(redis.call('GET', counted) or '0')
    if own >= units then quota = right elseif common >= units then quota = all_units end
    if not quota then
      if wanted and over and own == 0 then return refuse('flash-over', 0, flash_product) end
      if wanted then
        return refuse('flash-sold-out', math.max(0, own, common), flash_product)
      end
    elseif bought + units > tonumber(most) then
      if wanted then
        return refuse('limit-reached', math.max(0, tonumber(most) - bought), flash_product)
      end
      quota = nil
    end
    flash_fen = quota and fen
  end
end

local ends
local terms = not quota and group_id ~= '' and redis.call('GET', KEYS[6])
if terms then
  local group_place, group_price
  group_place, group_price, ends = string.match(terms, '^(%S+) (%d+) (%d+)$')
  if group_place == place and tonumber(ends) > now then
    price_fen = group_price
  else
    terms = false
  end
end
if not terms then
  if explicit then return refuse('group-closed', 0) end
  group_id = ''
end

if quota then
  local line = tapped[flash_at]
  if plain or flash_at == 1 then price_fen = flash_fen end
  if line then line[4] = flash_fen end
  local seen = plain and expected_price_fen or line[3]
  -- Who saw more pays less; what a coupon takes off is of the price seen.
  if seen ~= '' and tonumber(seen) > tonumber(flash_fen) and coupon_id == '' then
    if plain then expected_price_fen = flash_fen else line[3] = flash_fen end
  end
end

-- Lines whose price is not the one that was seen, as {product, units, price seen, price}.
local changed
if plain then
  if expected_price_fen ~= '' and expected_price_fen ~= price_fen then
    changed = {{product_id, quantity, expected_price_fen, price_fen}}
  end
else
  tapped[1][4] = price_fen
  for _, line in ipairs(tapped) do
    if line[3] ~= '' and line[3] ~= line[4] then
      changed = changed or {}
      changed[#changed + 1] = line
    end
  end
end
if changed then
  -- Whether the price that was seen is the one before, which has just become dearer. Prices before
  -- are in a key of their own beside the products, of the same slot; it is read for this alone.
  local function is_honoured(product, seen, price)
    if tonumber(seen) > tonumber(price) then return false end
    local here = estate_id .. '|' .. product
    for _, place in ipairs({here .. '|' .. room_id, here, product}) do
      for _, mark in ipairs({'+|', ''}) do
        if mark == '' or member == '1' then
          local before = redis.call('HGET', KEYS[4] .. '$PREVIOUS', mark .. place)
          if before then
            local before_fen, until_ms = string.match(before, '^(%d+) (%d+)$')
            if tonumber(until_ms) > now then return before_fen == seen end
          end
          if redis.call('HEXISTS', KEYS[4], mark .. place) == 1 then return false end
        end
      end
    end
    return false
  end

  for _, line in ipairs(changed) do
    local decided = terms and line[1] == product_id or quota and line[1] == flash_product
    if decided or not is_honoured(line[1], line[3], line[4]) then
      return refuse('price-changed', tonumber(line[4]), line[1])
    end
    line[4] = line[3]
  end
  price_fen = plain and expected_price_fen or tapped[1][4]
end
if terms and redis.call('HEXISTS', KEYS[7], household_id) == 1 then
  return refuse('already-joined', 0)
end

if plain then
  local bought = tonumber(redis.call('GET', KEYS[8]) or '0')
  if bought + units > tonumber(limit) then
    return refuse('limit-reached', math.max(0, tonumber(limit) - bought))
  end
else
  for at, line in ipairs(tapped) do
    local bought = tonumber(redis.call('GET', KEYS[at == 1 and 8 or 11 + at]) or '0')
    if bought + tonumber(line[2]) > line[5] then
      return refuse('limit-reached', math.max(0, line[5] - bought), line[1])
    end
  end
end

local coupon_key = coupon_id ~= ''
  and string.sub(KEYS[1], 1, -#'epoch' - 1) .. 'coupon:' .. coupon_id
if coupon_key and redis.call('EXISTS', coupon_key) == 1 then return refuse('coupon-taken', 0) end

-- Units of items that it takes, as {item, units}, all from the first store that has them and a
-- slot; a group takes its slots when it is complete.
local store_id
local slot, full = '', false

-- The first slot that is free, '' if there need not be one, nil if none is.
local function free_slot(candidate, slots)
  if terms or slots == '' then return '' end
  for name, kept in string.gmatch(slots, ' (%w+):?(%d*)') do
    local left = redis.call('HGET', KEYS[9], 'slot:' .. name .. '|' .. candidate)
    if left and tonumber(left) > (tonumber(kept) or 0) then return name end
  end
end

local function rule_out(candidate, reason, item)
  if ruled_out ~= '' then ruled_out = ruled_out .. ',' end
  ruled_out = ruled_out .. candidate .. ' ' .. reason .. ' ' .. item
end

if plain then
  local most = 0
  for candidate, slots in string.gmatch(ARGV[4], $STORES_PATTERN) do
    local free = tonumber(redis.call('HGET', KEYS[9], product_id .. '|' .. candidate) or '0')
    if free >= units then
      local found = free_slot(candidate, slots)
      if found then store_id, slot = candidate, found break end
      full = true
      rule_out(candidate, 'full', '')
    else
      rule_out(candidate, 'no-stock', product_id)
    end
    if free > most then most = free end
  end
  if not store_id then
    if full then return refuse('no-slot', 0) end
    return refuse('sold-out', most)
  end
  if looks then return {'admitted'} end
  local row = product_id .. '|' .. store_id
  redis.call('HINCRBY', KEYS[9], row, -units)
  redis.call('HINCRBY', KEYS[10], row, units)
else
  local needed, most, lacking, left = {}, 0, nil, 0
  for item, count in string.gmatch(needs, $UNITS_PATTERN) do
    needed[#needed + 1] = {item, tonumber(count)}
  end
  for candidate, slots in string.gmatch(ARGV[4], $STORES_PATTERN) do
    local short, sets = nil, math.huge
    for _, need in ipairs(needed) do
      local free = tonumber(redis.call('HGET', KEYS[9], need[1] .. '|' .. candidate) or '0')
      if free < need[2] then
        short = short or need[1]
        if not lacking then lacking, left = need[1], math.max(0, free) end
      end
      sets = math.min(sets, math.floor(free * units / need[2]))
    end
    if short then
      rule_out(candidate, 'no-stock', short)
    else
      local found = free_slot(candidate, slots)
      if found then store_id, slot = candidate, found break end
      full = true
      rule_out(candidate, 'full', '')
    end
    if sets > most then most = sets end
  end
  if not store_id then
    if full then return refuse('no-slot', 0) end
    if several then return refuse('sold-out', left, lacking or needed[1][1]) end
    return refuse('sold-out', most)
  end
  if looks then return {'admitted'} end
  for _, need in ipairs(needed) do
    local row = need[1] .. '|' .. store_id
    redis.call('HINCRBY', KEYS[9], row, -need[2])
    redis.call('HINCRBY', KEYS[10], row, need[2])
  end
end

if slot ~= '' then
  local row = 'slot:' .. slot .. '|' .. store_id
  redis.call('HINCRBY', KEYS[9], row, -1)
  redis.call('HINCRBY', KEYS[10], row, 1)
end

local quotas = ''
if quota then
  redis.call('HINCRBY', KEYS[9], quota .. '|', '-' .. flash_units)
  redis.call('HINCRBY', KEYS[10], quota .. '|', flash_units)
  if redis.call('INCRBY', counted, flash_units) == tonumber(flash_units) then
    redis.call('PEXPIRE', counted, window_ms)
  end
  quotas = quota .. ' ' .. flash_units
end

if terms then
  redis.call('HSET', KEYS[7], household_id, order_id)
  redis.call('PEXPIREAT', KEYS[7], string.format('%d', tonumber(ends) + tonumber(seats_ms)))
end
if redis.call('INCRBY', KEYS[8], quantity) == units then
  redis.call('PEXPIRE', KEYS[8], window_ms)
end
if not plain then
  for at, line in ipairs(tapped) do
    if at > 1 and redis.call('INCRBY', KEYS[11 + at], line[2]) == tonumber(line[2]) then
      redis.call('PEXPIRE', KEYS[11 + at], window_ms)
    end
    tapped[at] = line[1] .. ' ' .. line[2] .. ' ' .. line[4] .. ' ' .. line[6]
  end
  lines = table.concat(tapped, ',')
end
if coupon_key then redis.call('SET', coupon_key, order_id, 'PX', idempotency_ms) end
local entry_id = redis.call('XADD', KEYS[3], '*', 'tap', $ENTRY)
redis.call('ZADD', KEYS[11], string.format('%d', now + tonumber(hold_ms)), order_id)
redis.call('HSET', KEYS[12], order_id, $HOLD_TEXT)
redis.call('SET', KEYS[2], body_hash .. $KEY_ADMITTED, 'PX', idempotency_ms)
return {'admitted', store_id, price_fen, group_id, slot}
