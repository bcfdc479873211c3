// Prints where the package's public names lead, as whoever runs this file resolves them.
const names = ['backplane', 'backplane/testing', 'backplane/devices', 'backplane/machines'];
console.log(JSON.stringify(names.map((name) => import.meta.resolve(name))));
