"""A stock list in Flask-Admin, on SQLAlchemy: lists, forms in a page and in a window, editing in place.

python stock.py FOLDER        an empty folder of its own
"""

import sys
from pathlib import Path

from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.fileadmin import FileAdmin
from flask_admin.contrib.sqla import ModelView
from flask_sqlalchemy import SQLAlchemy
from wsgi import serve

folder = Path(sys.argv[1])
(folder / "files").mkdir()
app = Flask(__name__)
app.config |= {
    "SECRET_KEY": "of a test",
    "SESSION_COOKIE_SECURE": True,
    "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'stock.db'}",
}
db = SQLAlchemy(app)


class Shelf(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40), unique=True)

    def __str__(self) -> str:
        return self.name


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40), nullable=False)
    count = db.Column(db.Integer)
    counted = db.Column(db.DateTime)
    shelf_id = db.Column(db.ForeignKey(Shelf.id))
    shelf = db.relationship(Shelf)


class Items(ModelView):
    column_editable_list = ("count",)
    column_filters = ("name", "count")
    column_searchable_list = ("name",)
    create_modal = True


with app.app_context():
    db.create_all()
    db.session.add_all([Shelf(name="top"), Shelf(name="bottom")])
    db.session.commit()
admin = Admin(app, name="Stock")
admin.add_view(ModelView(Shelf, db))
admin.add_view(Items(Item, db))
admin.add_view(FileAdmin(str(folder / "files"), name="Files"))
serve(app)
