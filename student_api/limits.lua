-- Looks at and counts any number of rate limits at once; answers the seconds to wait, "0" for none.
-- KEYS: one counter a rule. ARGV, five a rule: at most, seconds, moving, is looked at, is counted.
-- A moving window is a list of times, newest first; the other kind a number that expires.
-- Nothing is counted when one of those looked at is used up.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local wait = 0

local function rule(place)
  local values = {}
  for step = 1, 5 do
    values[step] = tonumber(ARGV[(place - 1) * 5 + step])
  end
  return unpack(values)
end

for place, key in ipairs(KEYS) do
  local most, seconds, moving, looks = rule(place)
  if looks == 1 and moving == 1 then
    local oldest = redis.call('LINDEX', key, most - 1)
    if oldest then
      wait = math.max(wait, tonumber(oldest) + seconds - now)
    end
  elseif looks == 1 and tonumber(redis.call('GET', key) or 0) >= most then
    wait = math.max(wait, redis.call('PTTL', key) / 1000)
  end
end

if wait <= 0 then
  wait = 0
  for place, key in ipairs(KEYS) do
    local most, seconds, moving, _, counts = rule(place)
    if counts == 1 and moving == 1 then
      redis.call('LPUSH', key, string.format('%.6f', now))
      redis.call('LTRIM', key, 0, most - 1)
      redis.call('EXPIRE', key, seconds)
    elseif counts == 1 and redis.call('INCR', key) == 1 then
      redis.call('EXPIRE', key, seconds)
    end
  end
end
return string.format('%.6f', wait)
