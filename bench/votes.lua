-- wrk -s votes.lua URL -- FILE PATH [MILLISECONDS]: each line of FILE is POSTed to PATH once, then from the start again;
-- with MILLISECONDS each connection thinks so long on average before its next one.
local requests, at, pause = {}, 0, 0

function init(words)
    for line in io.lines(words[1]) do
        requests[#requests + 1] = wrk.format("POST", words[2], { ["content-type"] = "application/json" }, line)
    end
    pause = tonumber(words[3] or 0)
    if pause == 0 then delay = nil end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function delay()
    return math.random(0, 2 * pause)
end
