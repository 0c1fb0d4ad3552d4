-- SPDX-License-Identifier: BSD-2-Clause
-- The search of the start page and of the list of rules. It filters the list that the page contains: an entry matches
-- if each word of the query begins a word of the entry (its text, and the words in its attribute data-w). Two numbers
-- offer their comparison. Accents and case do not count.
return [[
(function(){
var box=document.getElementById("find"),input=document.getElementById("q"),said=document.getElementById("found"),
pair=document.getElementById("pair"),items=document.querySelectorAll("[data-w]"),known={};
function plain(s){return s.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g,"")}
function words(s){return plain(s).split(/[^a-z0-9.]+/).filter(Boolean)}
var list=[].map.call(items,function(li){
var code=li.getAttribute("data-n");if(code)known[code]=1;
return{li:li,words:words(li.textContent+" "+li.getAttribute("data-w"))}});
function matches(has,want){return want.every(function(w){return has.some(function(h){return h.indexOf(w)===0})})}
function look(){
var want=words(input.value).filter(function(w){return w!=="vs"&&w!=="sip"}),
two=want.filter(function(w){return known[w]}),count=0;
var both=two.length===2&&want.length===2&&two[0]!==two[1];
list.forEach(function(e){
var on=both?two.indexOf(e.li.getAttribute("data-n"))>=0:matches(e.words,want);
e.li.hidden=!on;if(on)count++});
[].forEach.call(document.querySelectorAll("section[data-group]"),function(s){
s.hidden=!s.querySelector("[data-w]:not([hidden])")});
if(pair){pair.hidden=!both;if(both){two.sort();var a=pair.querySelector("a");
a.href=two[0]+"-vs-"+two[1]+"/index.html";a.textContent=two.join(" "+pair.getAttribute("data-vs")+" ")}}
said.textContent=want.length?said.getAttribute(count===0?"data-none":count===1?"data-one":"data-many")
.replace("%d",count):""}
function first(){
if(pair&&!pair.hidden)return pair.querySelector("a");
for(var i=0;i<list.length;i++)if(!list[i].li.hidden)return list[i].li.querySelector("a")}
box.hidden=false;
input.addEventListener("input",look);
input.addEventListener("keydown",function(e){var a=e.key==="Enter"&&words(input.value).length&&first();
if(a)location.href=a.href});
if(input.value)look()})();
]]
