// Whose code a file is: of the case, a package, Node itself, or memcase.
'use strict';

const path = require('path');

class Owners {
  constructor({ given, scripts }) {
    this.given = given;
    this.scripts = scripts;
  }

  of(file) {
    const { driver, explain, made } = this.given;
    if ([driver, explain, made].includes(file)) return 'driver';
    if (file === this.given.name) return 'case';
    if (!path.isAbsolute(file)) return 'language';
    return file.split(path.sep).includes('node_modules') ? 'package' : 'case';
  }

  // The file that a node of a snapshot comes from, where that is known.
  fileOf(location) {
    return location ? this.scripts[location.script] || '' : '';
  }

  place(file, line, name) {
    return { file, line, function: name, owner: this.of(file) };
  }
}

function plain(url) {
  return url.startsWith('file://') ? decodeURIComponent(url.slice(7)) : url;
}

module.exports = { Owners, plain };
