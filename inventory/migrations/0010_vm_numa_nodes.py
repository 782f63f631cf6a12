from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0009_luns"),
    ]

    operations = [
        migrations.AddField(
            model_name="vm",
            name="numa_nodes",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
