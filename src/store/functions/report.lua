-- jobcast_report and jobcast_heartbeat.
local report = {} do

local function report_with(ns, args)
  local id = entry.id(args, 'jobcast_report')
  local f = fields.read(args, 2, fields.REPORT, fields.SIDE)
  if f.left_out then fields.note_left_out(f) end
  local at = clock.now()
  local global = policies.lazily(ns)
  local job, flags = record.load(ns, id), {}
  if entry.forbids(f, job) or f.publisher and not batches.admits(ns, job, f) then return {'forbidden', 0, ''} end
  if not job then
    if not global().create_on_report then return {'ignored:unknown', 0, ''} end
    local type = f.type or 'default'
    job = transitions.fresh(ns, id, at, type, global(), policies.of_type(ns, type, global()), false)
    if f.attempt then job.attempt = f.attempt job.max = math.max(job.max, f.attempt) end
    flags.n, flags.s = true, true
  end
  local ignored = transitions.apply(ns, job, f, at, flags, global)
  if ignored then return {'ignored:' .. ignored, job.v, job.cancel and 'cancel_requested' or ''} end
  if not (flags.s or flags.o or flags.c) then flags.p = true end
  if f.mended then flags.mended = mending.told(f) end
  keep.save(ns, job, at, flags, f.by, flags.what)
  if f.mended then mending.count(ns, f) end
  return {'ok', job.v, job.cancel and 'cancel_requested' or ''}
end

function report.report(ns, args)
  local quick = progress.report(ns, args)
  if quick then return quick end
  local ok, answer = pcall(report_with, ns, args)
  if ok then return answer end
  if type(answer) == 'table' and answer.jobcast then mending.keep_refused(ns, args[1], answer.jobcast) end
  error(answer, 0)
end

function report.heartbeat(ns, args)
  local id = entry.id(args, 'jobcast_heartbeat')
  local attempt = args[2] and values.integer('attempt', args[2], 1, 1000000)
  if args[3] then refuse('attempt', 'nothing may follow it') end
  local quick = progress.heartbeat(ns, id, attempt)
  if quick then return quick end
  local job = record.load(ns, id)
  if not job then return {'ignored:unknown', 0, ''} end
  local answer = job.cancel and 'cancel_requested' or ''
  if FINAL[job.status] then return {'ignored:final', job.v, answer} end
  if attempt and attempt < job.attempt then return {'ignored:stale_attempt', job.v, answer} end
  if job.status ~= 'processing' then return {'ignored:transition', job.v, answer} end
  local at = clock.now()
  job.locked = digits(at)
  if job.stalled then
    job.stalled = nil
    keep.deadline(ns, job, at + tonumber(job.lease))
    keep.save(ns, job, at, {c = true}, nil, 'resumed')
  else
    local lifetime = keep.renew(job, at)
    -- With what `now` had that is newer, so that it does not count as newer than this.
    call('HSET', job.key, 'locked', job.locked, 'expires', job.expires, 'v', digits(job.v), 'updated', digits(job.updated),
      unpack(job.percent and {'percent', job.percent} or {}))
    if lifetime then keep.expire(ns, job) end
  end
  return {'ok', job.v, answer}
end

end
