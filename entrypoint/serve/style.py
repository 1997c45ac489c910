"""The status page's style sheet, and the hash by which the page's policy lets it in.

Here: CSS only. Colours have names, light and dark; a sign or a word says whatever a colour says.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

CSS: Final = """\
:root{color-scheme:light dark;--page:#f6f7f8;--card:#fff;--ink:#1a1d21;--soft:#5b636e;--edge:#dfe3e8;
--rule:#eceff2;--line:#2563c9;--area:#2563c91f;--second:#8a94a3;--good:#12703f;--good-bg:#e3f4ea;
--bad:#b3261e;--bad-bg:#fce9e7;--wait:#7a5200;--wait-bg:#fbf0d9}
@media(prefers-color-scheme:dark){:root{--page:#101214;--card:#181b1f;--ink:#e6e9ed;--soft:#98a2af;
--edge:#2a2f36;--rule:#242930;--line:#74a7f7;--area:#74a7f72b;--second:#7c8694;--good:#6fd39b;
--good-bg:#16301f;--bad:#ff9187;--bad-bg:#3b1a18;--wait:#edc26a;--wait-bg:#33280f}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;
font-variant-numeric:tabular-nums}
.wrap{max-width:1120px;margin:0 auto;padding:28px 24px 40px}
a{color:var(--line);text-underline-offset:2px}
a:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--line);outline-offset:2px}
header{display:flex;flex-wrap:wrap;align-items:center;gap:6px 14px}
h1{font-size:24px;line-height:1.25;font-weight:650;letter-spacing:-.01em;margin:0;overflow-wrap:anywhere}
.pill{font-size:14px;font-weight:600;padding:3px 11px;border-radius:999px;white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}.wait{color:var(--wait)}
.pill.good{background:var(--good-bg)}.pill.bad{background:var(--bad-bg)}.pill.wait{background:var(--wait-bg)}
.facts{color:var(--soft);margin:6px 0 0}
.facts span+span::before{content:"·";margin:0 8px}
h2{font-size:13px;font-weight:600;color:var(--soft);margin:30px 0 8px;display:flex;
justify-content:space-between;gap:12px}
h2 small{font-size:13px;font-weight:400}
ol.phases{list-style:none;display:flex;flex-wrap:wrap;gap:10px 0;margin:22px 0 0;padding:0}
.phases li{flex:1 1 110px;min-width:110px;border-top:3px solid var(--edge);padding:7px 12px 0 0;
font-size:13px;line-height:1.4;color:var(--soft)}
.phases b{display:block;font-size:15px;font-weight:600;color:var(--ink)}
.phases .good{border-color:var(--good)}
.phases .bad{border-color:var(--bad)}.phases .wait{border-color:var(--wait)}
.phases .good b{color:var(--good)}.phases .bad b{color:var(--bad)}.phases .wait b{color:var(--wait)}
.grid{display:grid;grid-template-columns:repeat(6,1fr);gap:14px}
.card{background:var(--card);border:1px solid var(--edge);border-radius:10px}
figure.card{grid-column:span 2;margin:0;padding:12px 14px 9px;min-width:0;display:flex;flex-direction:column}
figure.card:nth-child(-n+2){grid-column:span 3}
figcaption{display:flex;align-items:baseline;flex-wrap:wrap;gap:0 10px;color:var(--soft);font-size:13px}
figcaption h3{font-size:14px;font-weight:600;color:var(--ink);margin:0}
figcaption b{font-size:19px;font-weight:600;color:var(--ink);letter-spacing:-.01em}
figcaption .peak{margin-left:auto}
.plot{display:flex;flex:1;margin:8px 0 4px;min-height:92px}
figure.card:nth-child(-n+2) .plot{min-height:118px}
.graph{display:block;flex:1;min-width:0;width:0;height:auto;
border-bottom:1px solid var(--edge);overflow:visible}
.scale{flex:0 0 58px;display:flex;flex-direction:column;justify-content:space-between;padding-left:8px;
font-size:11px;line-height:1;color:var(--soft)}
.graph path{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round;stroke-linecap:round}
.graph .rule{stroke:var(--rule);stroke-width:1}
.graph .area{fill:var(--area)}
.graph .line{stroke:var(--line);stroke-width:1.75}
.graph .second{stroke:var(--second);stroke-width:1.25;stroke-dasharray:1 3}
.graph .limit{stroke:var(--bad);stroke-width:1;stroke-dasharray:5 4;stroke-linecap:butt}
.graph .mark{stroke:var(--bad);stroke-width:2;stroke-linecap:butt}
.axis{margin-right:58px;display:flex;justify-content:space-between;font-size:11px;color:var(--soft)}
.key{font-size:12px;color:var(--soft);margin:3px 0 0;display:flex;flex-wrap:wrap;gap:0 14px}
.key i{display:inline-block;width:16px;height:0;vertical-align:middle;margin-right:5px;
border-top:2px solid var(--line)}
.key .k-second{border-top:2px dotted var(--second)}.key .k-limit{border-top:1px dashed var(--bad)}
.key .k-mark{width:2px;height:9px;border:0;background:var(--bad)}
table{width:100%;border-collapse:collapse;font-size:14px}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{text-align:left;vertical-align:top;padding:9px 14px;border-top:1px solid var(--rule)}
thead th{border-top:0;font-size:12px;font-weight:500;color:var(--soft);padding:7px 14px 6px}
tbody th{font-weight:600;width:34%}
td small,th small{display:block;font-size:12.5px;font-weight:400;color:var(--soft)}
td.state{overflow-wrap:anywhere}
td.state b{font-weight:600;white-space:nowrap}
td.since{white-space:nowrap;width:1%;text-align:right}
thead th:last-child{text-align:right}
small,pre,.facts,dd,li{overflow-wrap:anywhere}
dl.card{display:grid;grid-template-columns:max-content 1fr;gap:7px 22px;margin:0;padding:12px 14px;
font-size:14px}
dt{color:var(--soft)}dd{margin:0}
dd ul{margin:0;padding-left:18px}
pre{margin:0;padding:14px 16px;overflow-x:auto;overflow-wrap:normal;
font:12.5px/1.55 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
footer{margin-top:26px;color:var(--soft);font-size:13px;display:flex;flex-wrap:wrap;gap:4px 18px}
footer span:last-child{margin-left:auto}
@media(max-width:760px){.wrap{padding:18px 14px 30px}.grid{grid-template-columns:1fr;gap:10px}
figure.card,figure.card:nth-child(-n+2){grid-column:auto}
.plot,figure.card:nth-child(-n+2) .plot{min-height:84px}
th,td,thead th{padding-left:11px;padding-right:11px}
dl.card{grid-template-columns:1fr;gap:0}dd+dt{margin-top:8px}
.phases li{flex:1 1 40%}
footer span:last-child{margin-left:0}}
@media print{body{background:#fff}.card{break-inside:avoid}}
"""

HASH: Final = "sha256-R+xEUKkecZyrRtkoiOPRDPA63Vk6+hTrNYE0TAT+EfE="
"""SHA-256 of the style sheet in base64: a constant, since hashlib would load OpenSSL into PID 1."""
