// The picture of a run: two curves in one SVG (https://www.w3.org/TR/SVG11/), with nothing to load.
#include "result.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace jobcast::bench {

namespace {

constexpr int width = 880, height = 380;
constexpr int panel_width = 370, panel_height = 250, panel_top = 70;

struct point {
  double x, y; ///< 0 to 1 within the panel
};

struct tick {
  double at; ///< 0 to 1
  std::string text;
};

struct panel {
  int left;
  std::string title;
  std::vector<tick> across, up;
  std::vector<point> curve;
};

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text)
    out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

/// 1, 2 or 5 times a power of ten, not below `value`.
double round_up(double value) {
  double const power = std::pow(10, std::floor(std::log10(std::max(value, 1.0))));
  for (double step : {1.0, 2.0, 5.0})
    if (step * power >= value)
      return step * power;
  return 10 * power;
}

std::string short_number(double value) {
  return value >= 1e6   ? fmt::format("{:g}M", value / 1e6)
         : value >= 1e3 ? fmt::format("{:g}k", value / 1e3)
                        : fmt::format("{:g}", value);
}

std::string short_time(double us) {
  return us >= 1e6   ? fmt::format("{:g} s", us / 1e6)
         : us >= 1e3 ? fmt::format("{:g} ms", us / 1e3)
                     : fmt::format("{:g} us", us);
}

panel over_time(const result& r) {
  panel p{80, "deliveries a second over time", {}, {}, {}};
  double most = 0;
  for (std::uint32_t count : r.series)
    most = std::max(most, count * 10.0);
  double const top = round_up(most), length = std::max(0.1, static_cast<double>(r.series.size()) / 10);
  for (std::size_t i = 0; i < r.series.size(); ++i)
    p.curve.push_back({(static_cast<double>(i) + 0.5) / 10 / length, r.series[i] * 10.0 / top});
  for (int i = 0; i <= 4; ++i)
    p.up.push_back({i / 4.0, short_number(top * i / 4)}),
        p.across.push_back({i / 4.0, fmt::format("{:.3g} s", length * i / 4)});
  return p;
}

// Percentiles spread as -log(1 - q), latencies as log.
panel over_percentiles(const result& r) {
  panel p{80 + panel_width + 90, "latency, report to bytes at the client", {}, {}, {}};
  if (r.latencies.count() == 0)
    return p;
  static constexpr std::pair<double, const char*> marks[] = {
      {0.0, "0"}, {0.9, "90 %"}, {0.99, "99 %"}, {0.999, "99.9 %"}, {0.9999, "99.99 %"}};
  constexpr double nines = 4;
  auto const us = [&](double q) { return std::max(1.0, static_cast<double>(r.latencies.at(q)) / 1e3); };
  double const low = std::floor(std::log10(us(0))), high = std::max(low + 1, std::ceil(std::log10(us(0.9999))));
  for (int i = 0; i <= 100; ++i) {
    double const x = i / 100.0;
    p.curve.push_back({x, (std::log10(us(1 - std::pow(10, -x * nines))) - low) / (high - low)});
  }
  for (auto const& [q, text] : marks)
    p.across.push_back({-std::log10(1 - q) / nines, text});
  for (double power = low; power <= high; ++power)
    p.up.push_back({(power - low) / (high - low), short_time(std::pow(10, power))});
  return p;
}

void draw(std::string& out, const panel& p) {
  auto const at = std::back_inserter(out);
  auto const x = [&](double share) { return p.left + share * panel_width; };
  auto const y = [&](double share) { return panel_top + panel_height - share * panel_height; };
  fmt::format_to(at, "<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\n", p.left, panel_top - 14, p.title);
  for (const tick& t : p.up)
    fmt::format_to(
        at,
        "<path d=\"M{:.1f} {:.1f}H{}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
        x(0), y(t.at), p.left + panel_width, p.left - 8, y(t.at) + 4, t.text);
  for (const tick& t : p.across)
    fmt::format_to(at, "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", x(t.at),
                   panel_top + panel_height + 20, t.text);
  out += "<polyline fill=\"none\" stroke=\"#0b6bcb\" stroke-width=\"2\" points=\"";
  for (const point& c : p.curve)
    fmt::format_to(at, "{:.1f},{:.1f} ", x(c.x), y(std::clamp(c.y, 0.0, 1.0)));
  out += "\"/>\n";
}

} // namespace

std::string to_svg(const result& r) {
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
      width, height);
  fmt::format_to(std::back_inserter(out),
                 "<text x=\"20\" y=\"26\" font-size=\"15\">{}: {} watchers on {} jobs, {:.0f} deliveries/s</text>\n",
                 escaped(r.server), r.asked.watchers, r.jobs, r.deliveries_per_second());
  draw(out, over_time(r));
  draw(out, over_percentiles(r));
  return out + "</svg>\n";
}

} // namespace jobcast::bench
