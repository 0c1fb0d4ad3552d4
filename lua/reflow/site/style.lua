-- SPDX-License-Identifier: BSD-2-Clause
-- The style sheet of every page: system fonts, an accent colour (--a) for each class of responses, two colour schemes.
-- All colours of text have a contrast of 4.5 or more on both backgrounds of their scheme.
local css = [[
:root{color-scheme:light dark;--paper:#fcfbf8;--panel:#f3f1eb;--line:#dbd8cf;--ink:#1c1f24;--soft:#565c66;
--link:#0a559f;--c1:#45617e;--c2:#176b40;--c3:#6448ad;--c4:#8f4c09;--c5:#ad241c;--c6:#922467;--a:var(--link)}
@media screen and (prefers-color-scheme:dark){:root{
--paper:#14161a;--panel:#1d2026;--line:#363b44;--ink:#e8e6e0;--soft:#abb1bb;
--link:#8fbcf2;--c1:#a3bfdb;--c2:#77d0a1;--c3:#c0aef7;--c4:#f0ae72;--c5:#ff9c92;--c6:#f29bcb}}
.k1{--a:var(--c1)}.k2{--a:var(--c2)}.k3{--a:var(--c3)}.k4{--a:var(--c4)}.k5{--a:var(--c5)}.k6{--a:var(--c6)}
.b1{--b:var(--c1)}.b2{--b:var(--c2)}.b3{--b:var(--c3)}.b4{--b:var(--c4)}.b5{--b:var(--c5)}.b6{--b:var(--c6)}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans",Cantarell,"DejaVu Sans",sans-serif;overflow-wrap:break-word}
a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:.18em}
a:hover{text-decoration-thickness:2px}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:2px}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:.5rem;background:var(--paper);padding:.25rem .5rem;z-index:1}
.top,main,.foot{width:calc(100% - 2.5rem);max-width:69.5rem;margin:0 auto}
.top{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline;padding-top:1rem;padding-bottom:.75rem;
border-bottom:1px solid var(--line);font-size:.9375rem}
.top nav{display:flex;gap:1.25rem}
.top a{color:inherit;text-decoration:none;padding:.25rem 0}
.top a:hover{text-decoration:underline}
.top [aria-current]{font-weight:650}
.brand{font-weight:700}
.lang{margin-left:auto}
.lang a{color:var(--soft)}
.lang [aria-current]{color:var(--ink)}
main{padding-top:2rem;padding-bottom:3rem}
h1,h2,h3{line-height:1.2;text-wrap:balance}
h1{font-size:clamp(1.75rem,1.2rem + 2.6vw,2.75rem);font-weight:680;letter-spacing:-.015em;margin:0 0 .5rem}
h1>[class^=k]{display:inline-block}
h2{font-size:1.3125rem;font-weight:650;margin:2.5rem 0 .5rem}
h3{font-size:1.0625rem;font-weight:650;margin:1.5rem 0 .25rem}
p,ul,ol,dl,figure{margin:.5rem 0 1rem}
p,.text,.lead ul{max-width:44rem}
.n{color:var(--a);font-variant-numeric:tabular-nums;font-weight:720}
.meta{color:var(--soft);font-size:.9375rem;margin:0 0 1.25rem}
.lead{font-size:1.1875rem;line-height:1.5;border-left:4px solid var(--a);padding:.125rem 0 .125rem 1rem;
margin:1rem 0 1.5rem;border-image:linear-gradient(var(--a) 50%,var(--b,var(--a)) 50%) 1}
.lead p{margin:.375rem 0}.lead ul{margin:.375rem 0;padding-left:1.125rem}.lead li{margin:.25rem 0}
.small{font-size:.9375rem;color:var(--soft)}
.plain{list-style:none;padding:0}
code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.9em}
.tag{display:inline-block;border:1px solid var(--line);border-radius:1rem;padding:0 .625rem;font-size:.875rem;
background:var(--panel);color:var(--ink)}
.find{margin:1.5rem 0;max-width:44rem}
.find label{display:block;font-weight:650;margin-bottom:.25rem}
.find input{width:100%;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);
border-radius:.375rem;padding:.5rem .75rem}
.find ::placeholder{color:var(--soft);opacity:1}
.find p{min-height:1.6em;margin:.375rem 0 0}
.list{list-style:none;padding:0;margin:0 0 1rem}
.list li{display:grid;grid-template-columns:18rem 1fr;gap:0 1rem;padding:.4375rem 0;border-top:1px solid var(--line)}
.list a{display:grid;grid-template-columns:3.25rem 1fr;text-decoration:none;color:var(--ink);font-weight:600}
.list a:hover span{text-decoration:underline}
.list p{margin:0}
.rules li{grid-template-columns:11rem 1fr 9rem}
.rules a{display:block;color:var(--link)}
.rules .small{text-align:right}
[hidden]{display:none!important}
.two{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 2.5rem}
.two p{margin:.25rem 0 1rem}
.two h3{margin-top:.5rem}
.with{display:grid;grid-template-columns:minmax(0,1fr) 19rem;gap:0 3rem;align-items:start}
.aside{background:var(--panel);border-radius:.5rem;padding:.25rem 1.25rem 1rem;font-size:.9375rem;line-height:1.5}
.aside h2{font-size:1.0625rem;margin:1rem 0 .5rem}
dt{color:var(--soft);font-size:.875rem;margin-top:.625rem}
dd{margin:0}
.acts{list-style:none;padding:0;margin:.25rem 0 1rem}
.acts li{display:grid;grid-template-columns:15rem minmax(0,1fr) 8.5rem;gap:0 1rem;padding:.4375rem 0;
border-top:1px solid var(--line)}
.acts .s{color:var(--soft)}
.acts p{margin:0}
.acts .small{font-size:.875rem}
.acts .r{text-align:right;font-size:.9375rem}
table{border-collapse:collapse;width:100%;margin:.75rem 0 1.25rem;font-size:1rem}
th,td{text-align:left;vertical-align:top;padding:.5rem 1rem .5rem 0;border-top:1px solid var(--line);font-weight:400}
thead th,thead td{border-top:0;font-weight:650}
tbody th,thead td{width:24%}tbody th{color:var(--soft)}
tbody td,thead th{width:38%}
.grid{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:0 1.5rem;
font-size:.9375rem}
.grid a{display:grid;grid-template-columns:2.75rem 1fr;padding:.25rem 0;text-decoration:none;color:var(--ink)}
.grid a:hover span{text-decoration:underline}
.near a{display:block}
.rel{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));gap:.75rem 3rem}
.pictures{columns:2 20rem;column-gap:3rem}
figure{margin:0;break-inside:avoid;padding-bottom:1.5rem;
--ladder-paper:var(--paper);--ladder-ink:var(--ink);--ladder-muted:var(--soft)}
figure svg{display:block;max-width:min(100%,30rem);height:auto}
figcaption{color:var(--soft);font-size:.9375rem;margin-bottom:.5rem}
.foot{border-top:1px solid var(--line);padding-top:1rem;padding-bottom:2rem;font-size:.875rem;color:var(--soft)}
.foot a{color:inherit}
@media (max-width:56rem){.with{display:block}.aside{margin:1rem 0}}
@media (max-width:46rem){.two{display:block}.grid{grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:0 1rem}
.list li,.rules li{grid-template-columns:1fr}.list p{padding-left:3.25rem;color:var(--soft)}
.rules p{padding-left:0}.rules .small{text-align:left}
.acts li{grid-template-columns:1fr}.acts .r{text-align:left}
table,tbody,tr,tbody td,tbody th{display:block;width:auto}thead{display:none}
tr{border-top:1px solid var(--line);padding:.375rem 0}td,tbody th{border:0;padding:.125rem 0}
tbody td{display:grid;grid-template-columns:3.25rem 1fr}td::before{content:attr(data-c);color:var(--a);font-weight:720}
.top .lang{order:1}.top nav{order:2}.lang [aria-current]{display:none}}
@media print{:root{color-scheme:light}.top nav,.find,.web{display:none}body{font-size:11pt}
.with{display:block}a{text-decoration:none}
li,tr,dd,.aside{break-inside:avoid}h2,h3,dt,figcaption{break-after:avoid}figure svg{max-height:23cm;width:auto}}
]]

-- Line ends add nothing.
return (css:gsub("\n", ""))
