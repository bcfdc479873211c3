import { MachineConsole } from './console.ts';
import { style } from './style.ts';

/** The text of egg-timer.ts; the build puts it here. */
declare const DeviceSource: string;

const Suggestions = [
  'out 0x320 3',
  'in 0x321',
  'wait 1s',
  'out 0x70 0x0b times 1000',
  'in 0x71',
  'save',
  'restore',
  'help',
];

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);
document.adoptedStyleSheets = [sheet];

const element = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;
const said = element('said');
const line = element<HTMLInputElement>('line');
const machine = new MachineConsole();

function show(): void {
  element('map').textContent = machine.map;
  element('exits').textContent = machine.exitTable;
}

function type(text: string): void {
  said.append(`> ${text}\n${machine.type(text)}\n`);
  said.scrollTop = said.scrollHeight;
  show();
}

element('source').textContent = DeviceSource;
for (const text of Suggestions) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = text;
  button.addEventListener('click', () => type(text));
  element('try').append(button);
}
element('prompt').addEventListener('submit', (event) => {
  event.preventDefault();
  if (line.value.trim() !== '') type(line.value);
  line.value = '';
});
said.append(`${machine.help()}\n`);
show();
