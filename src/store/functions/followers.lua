-- Whether somebody reads `ns:commands`: the supervisor notes in `ns:followed` when it looked and when a consumer group last read.
local followers = {} do

local LOOK_EVERY, AT_MOST, PING_AFTER, READ_WITHIN = 2000, 60000, 120000, 300000

local function read_pairs(row)
  local out = {}
  for i = 1, #row, 2 do out[row[i]] = row[i + 1] end
  return out
end

-- Redis 7.0 keeps no trace of a reader that waits, or that finds nothing: it notes the time only when a consumer gets an entry. So
-- a group that has read all there is and was quiet for a while gets something to read. There is one such entry, however long.
local function ping(stream, groups, last)
  for _, g in ipairs(last and groups or {}) do call('XACK', stream, g.name, last) end
  if last then call('XDEL', stream, last) end
  return call('XADD', stream, 'MAXLEN', '~', '100000', '*', 'id', '', 'type', '', 'op', 'ping', 'attempt', '0')
end

local function look(ns, at, key, seen)
  local stream = ns .. ':commands'
  local found = try('XINFO', 'GROUPS', stream)
  if found.err and not find(found.err, 'no such key', 1, true) then error(found) end
  local groups, consumers, waits, latest = {}, 0, false, seen.read and math.min(tonumber(seen.read), at)
  for i, row in ipairs(found) do
    groups[i] = read_pairs(row)
    local all = call('XINFO', 'CONSUMERS', stream, groups[i].name)
    consumers = consumers + #all
    for _, one in ipairs(all) do
      local read = at - read_pairs(one).idle
      latest = latest and math.max(latest, read) or read
    end
    waits = waits or #call('XRANGE', stream, '(' .. groups[i]['last-delivered-id'], '+', 'COUNT', '1') == 0
  end
  if latest then call('HSET', key, 'read', digits(latest)) end
  if not waits or latest and latest > at - PING_AFTER then return consumers end
  call('HSET', key, 'ping', ping(stream, groups, seen.ping))
  return 0
end

-- Every gateway calls this each second. With many consumers it looks less often.
function followers.look(ns, at)
  local key = ns .. ':followed'
  local h = call('HMGET', key, 'next', 'read', 'ping')
  local due = tonumber(h[1] or 0)
  if due > at and due <= at + AT_MOST then return end
  local ok, answer = pcall(look, ns, at, key, {read = h[2] or nil, ping = h[3] or nil})
  if not ok then redis.log(redis.LOG_WARNING, 'jobcast: who reads ' .. ns .. ':commands cannot be found out: ' .. raised(answer)) end
  local pause = ok and math.min(LOOK_EVERY + answer * 10, AT_MOST) or AT_MOST
  call('HSET', key, 'looked', digits(at), 'next', digits(at + pause))
end

-- As of the last look: without a gateway nobody looks, and nothing else is known.
function followers.present(ns)
  local h = call('HMGET', ns .. ':followed', 'looked', 'read')
  return h[1] and h[2] and tonumber(h[1]) - tonumber(h[2]) < READ_WITHIN
end

-- Returns nil if another run of a job that failed or was cancelled would be carried out, else why not.
function followers.refuse_retry(ns, job)
  local policy = call('HMGET', ns .. ':policy:' .. job.type, 'user_retry', 'dispatch')
  if policy[1] then return policy[1] ~= '1' and 'not_offered' or nil end
  if policy[2] == '1' then return nil end
  if not job.made then return 'not_offered' end
  return not followers.present(ns) and 'not_followed' or nil
end

end
