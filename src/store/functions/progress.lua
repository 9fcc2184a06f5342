-- The short way of what is reported most: progress and heartbeats of a job at work.
local progress = {} do

-- Locals, since every report of progress calls them.
local derived_percent, members_of_eta = transitions.derived_percent, estimate.members
local HEAD, MORE, HEAD_SIZE = record.HEAD, record.MORE, record.HEAD_SIZE
local compose, middle, now_text, publish, quoted = record.compose, record.middle, clock.now_text, keep.publish, text.quoted

local PARTS = {'current', 'total', 'unit', 'step', 'message'}
-- Of small numbers as they are mostly given.
local NUMBERS = {}
for i = 0, 99 do NUMBERS[i .. ''] = i end

-- Most reports only move a bar. Those that do, on a job at work, need neither the whole job nor a new deadline; this path
-- writes exactly what the other would. Returns nil for the other to be taken. What costs most here is making strings, by their
-- length, and then every call: so nothing is put together twice, and the id is not checked, since a job at work has it.
function progress.report(ns, args)
  local id = args[1]
  local attempt, percent, given, current, total, unit, step, message, status, odd
  for i = 2, #args, 2 do
    local field, value = args[i], args[i + 1]
    if not value then return nil end
    if field == 'percent' then
      if percent then return nil end
      percent = NUMBERS[value]
      if percent then
        given = value
      else
        if not find(value, '^[1-9]?%d%.%d$') then return nil end
        percent = tonumber(value)
        if byte(value, -1) ~= 48 then given = value end
      end
    elseif field == 'message' then
      if message or #value > 500 or value == '' then return nil end
      message, odd = quoted(value)
      -- A traceback, or a text that grows when its characters are mended.
      if odd and (#message > 510 or find(value, '\n', 1, true)) then return nil end
    elseif field == 'status' then
      if status or value ~= 'processing' then return nil end
      status = value
    elseif field == 'attempt' then
      if attempt then return nil end
      attempt = NUMBERS[value] or find(value, '^[1-9]%d%d$') and tonumber(value)
      if not attempt then return nil end
    elseif field == 'current' then
      if current or #value > 15 or not find(value, '^[1-9]%d*$') then return nil end
      current = value
    elseif field == 'total' then
      if total or #value > 15 or not find(value, '^[1-9]%d*$') then return nil end
      total = value
    elseif field == 'unit' then
      if unit or #value > 100 or value == '' then return nil end
      unit, odd = quoted(value)
      if odd and #unit > 110 then return nil end
    elseif field == 'step' then
      if step or #value > 100 or value == '' then return nil end
      step, odd = quoted(value)
      if odd and (#step > 110 or find(value, '\n', 1, true)) then return nil end
    else
      return nil
    end
  end
  if not id then return nil end
  local key = ns .. ':job:' .. id
  local parts = current or total or unit or step
  local h = parts and call('HMGET', key, 'now', 'front', 'back', 'message', 'current', 'total', 'unit', 'step') or
    message and call('HMGET', key, 'now', 'front', 'back') or call('HMGET', key, 'now', 'front', 'back', 'message')
  local now, front = h[1], h[2]
  -- Of a job that a library before 1.6 wrote there is no `now`.
  if not now or not front then return nil end
  local time = now_text()
  local at = time + 0
  local renew, started, at_work, updated, v, had, more = unpacked(HEAD, now)
  if at > renew or at < updated or attempt and attempt ~= at_work then return nil end
  local scope = #now > HEAD_SIZE and sub(now, HEAD_SIZE + 1)
  local stays, mid = scope, ''
  local expected, spread, eta, eta_set, batched = -1, -1, -1, -1, 0
  if more == 1 then expected, spread, eta, eta_set, batched, scope, mid = unpacked(MORE, stays) end
  if parts then
    local derives = not percent and (current or total)
    current, total, unit, step = current or h[5], total or h[6], unit or h[7], step or h[8]
    if derives and current and total and total ~= '0' then percent = derived_percent(current, total) end
    mid = middle(current, total, unit, step)
    scope, more = scope or '', 1
    stays = pack(MORE, expected, spread, eta, eta_set, batched, #scope, scope, #mid, mid)
  end
  local shown
  if percent and percent >= had then
    if batched == 1 and math.floor(percent) ~= math.floor(had < 0 and 0 or had) then return nil end
    shown, had = given or digits(percent), percent
  elseif had >= 0 then
    shown = digits(had)
  end
  local new_message = message
  message = message or h[4]
  eta = members_of_eta(at, eta >= 0 and eta, eta_set, at - started, had >= 0 and had, expected >= 0 and expected, spread)
  v = v + 1
  local version = format('%d', v)
  now = pack(HEAD, renew, started, at_work, at, v, had, more)
  if stays then now = now .. stays end
  local doc = shown and
    '{"id":"' .. id .. '","version":' .. version .. ',"updated_at":' .. time .. front .. '"percent":' .. shown .. mid ..
      (message and ',"message":' or '') .. (message or '') .. eta .. h[3] .. ',"locked_at":' .. time .. '}' or
    compose(id, version, time, front, record.progress(nil, mid, message, eta), h[3], time)
  -- The two that nearly all reports are need no table.
  if parts then
    local set, given_parts = {}, {current, total, unit, step, new_message}
    for i = 1, 5 do
      if given_parts[i] and (i == 5 or given_parts[i] ~= h[4 + i]) then set[#set + 1] = PARTS[i] set[#set + 1] = given_parts[i] end
    end
    call('HSET', key, 'now', now, 'doc', doc, unpack(set))
  elseif new_message then
    call('HSET', key, 'now', now, 'doc', doc, 'message', message)
  else
    call('HSET', key, 'now', now, 'doc', doc)
  end
  publish(ns, id, scope and scope ~= '' and scope, version, 'p', doc)
  return {'ok', v, ''}
end

-- The same of a heartbeat.
function progress.heartbeat(ns, id, attempt)
  local key = ns .. ':job:' .. id
  local h = call('HMGET', key, 'now', 'front')
  if not h[1] or not h[2] then return nil end
  local time = now_text()
  local at = time + 0
  local renew, _, at_work, updated, v = unpacked(HEAD, h[1])
  if attempt and attempt < at_work or at > renew or at < updated then return nil end
  call('HSET', key, 'locked', time)
  return {'ok', v, ''}
end

end
