import type { RegionOwner } from '../../sdk/memory/index.ts';

// Twenty classes with code of their own. Classes stamped out by one function would share their type feedback and
// flatter the result.

export interface BenchDevice extends RegionOwner {
  readRegister(offset: number): number;
  writeRegister(value: number, offset: number): void;
}

class Alpha implements BenchDevice {
  state = 0;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Bravo implements BenchDevice {
  extra0 = 0;
  state = 1;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Charlie implements BenchDevice {
  extra0 = 0;
  extra1 = 1;
  state = 2;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Delta implements BenchDevice {
  extra0 = 0;
  extra1 = 1;
  extra2 = 2;
  state = 3;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Echo implements BenchDevice {
  state = 4;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Foxtrot implements BenchDevice {
  extra0 = 0;
  state = 5;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Golf implements BenchDevice {
  extra0 = 0;
  extra1 = 1;
  state = 6;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Hotel implements BenchDevice {
  extra0 = 0;
  extra1 = 1;
  extra2 = 2;
  state = 7;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class India implements BenchDevice {
  state = 8;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Juliett implements BenchDevice {
  extra0 = 0;
  state = 9;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Kilo implements BenchDevice {
  extra0 = 0;
  extra1 = 1;
  state = 10;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Lima implements BenchDevice {
  extra0 = 0;
  extra1 = 1;
  extra2 = 2;
  state = 11;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Mike implements BenchDevice {
  state = 12;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class November implements BenchDevice {
  extra0 = 0;
  state = 13;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Oscar implements BenchDevice {
  extra0 = 0;
  extra1 = 1;
  state = 14;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Papa implements BenchDevice {
  extra0 = 0;
  extra1 = 1;
  extra2 = 2;
  state = 15;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Quebec implements BenchDevice {
  state = 16;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Romeo implements BenchDevice {
  extra0 = 0;
  state = 17;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Sierra implements BenchDevice {
  extra0 = 0;
  extra1 = 1;
  state = 18;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

class Tango implements BenchDevice {
  extra0 = 0;
  extra1 = 1;
  extra2 = 2;
  state = 19;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  readRegister(offset: number): number {
    return (this.state + offset) & 0xff;
  }
  writeRegister(value: number, offset: number): void {
    this.state = value ^ offset;
  }
}

export const deviceClasses: readonly (new (id: string) => BenchDevice)[] = [
  Alpha,
  Bravo,
  Charlie,
  Delta,
  Echo,
  Foxtrot,
  Golf,
  Hotel,
  India,
  Juliett,
  Kilo,
  Lima,
  Mike,
  November,
  Oscar,
  Papa,
  Quebec,
  Romeo,
  Sierra,
  Tango,
];
