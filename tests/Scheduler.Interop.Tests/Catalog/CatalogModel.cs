using System.Text.Json.Nodes;
using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Interop.Tests.Catalog;

/// <summary>A random change of the catalog, as a request to the admin address.</summary>
/// <param name="Kind">As in the address: <c>guests</c> and so on.</param>
/// <param name="Name">Name of the entity.</param>
/// <param name="Body">Its whole content; null: it is deleted.</param>
internal sealed record CatalogStep(string Kind, string Name, JsonObject? Body)
{
    public override string ToString() => $"{(Body is null ? "DELETE" : "PUT")} /{Kind}/{Name} {Body?.ToJsonString()}";
}

/// <summary>What of the catalog was acknowledged, and what is on its disks.</summary>
/// <param name="random">Draws the changes.</param>
/// <param name="directory">For the files of volumes.</param>
internal sealed class CatalogModel(Random random, TemporaryDirectory directory)
{
    private const long MiB = 1 << 20;
    private const long VolumeBytes = 32 * MiB;

    /// <summary>Kinds, in an order in which nothing refers to what comes later.</summary>
    public static readonly string[] Kinds = ["volumes", "guests", "disks", "identities", "tokens"];

    /// <summary>The identity of who runs the test: the guest of the disk that is looked into.</summary>
    public const string Me = "me";

    private readonly SortedDictionary<(string Kind, string Name), JsonObject> _entities = [];

    public int Count => _entities.Count;

    /// <summary>In the place of how much was written: the service was killed while it was.</summary>
    public const int Unknown = -1;

    /// <summary>Bytes from the first one on that were written, of each disk; the rest of it reads zeroes.</summary>
    public Dictionary<string, long> Written { get; } = [];

    /// <summary>The disks, by name, with their guest and size.</summary>
    public IReadOnlyList<(string Name, string Guest, int Size)> Disks =>
        [.. _entities.Where(entity => entity.Key.Kind == "disks").Select(entity => (entity.Key.Name, (string)entity.Value["guest"]!, (int)(long)entity.Value["size"]!))];

    public void Apply(CatalogStep step)
    {
        if (step.Kind == "disks")
        {
            // What it grows by reads zeroes, also where it was before.
            if (step.Body is null)
                _ = Written.Remove(step.Name);
            else
                Written[step.Name] = Math.Min(Written.GetValueOrDefault(step.Name), (long)step.Body["size"]!);
        }

        if (step.Body is null)
            _ = _entities.Remove((step.Kind, step.Name));
        else
            _entities[(step.Kind, step.Name)] = step.Body;
    }

    /// <summary>A change that the catalog takes.</summary>
    public CatalogStep Next()
    {
        while (true)
        {
            string kind = Kinds[random.Next(Kinds.Length)];
            string name = $"m{kind[0]}{random.Next(4)}";
            CatalogStep? step = _entities.TryGetValue((kind, name), out JsonObject? now) && random.Next(3) == 0 && !IsUsed(kind, name)
                ? new CatalogStep(kind, name, null)
                : Put(kind, name, now);
            if (step is not null)
                return step;
        }
    }

    /// <summary>What differs between this and what the service says; null: nothing.</summary>
    /// <param name="service">The service.</param>
    public string? Difference(ServiceProcess service)
    {
        SortedDictionary<(string Kind, string Name), JsonObject> found = [];
        foreach (string kind in Kinds)
        {
            (System.Net.HttpStatusCode status, string text) = service.Get($"/api/v1/{kind}?limit=1000");
            if (status != System.Net.HttpStatusCode.OK)
                return $"GET /{kind}: {status} {text}";
            foreach (JsonNode? item in JsonNode.Parse(text)!["items"]!.AsArray())
            {
                if (item!["declared"]!.GetValue<bool>())
                    continue;
                found[(kind, item["name"]!.GetValue<string>())] = item.AsObject();
            }
        }

        string there = string.Join(' ', found.Keys);
        string expected = string.Join(' ', _entities.Keys);
        if (there != expected)
            return $"there are {there}, not {expected}";
        foreach (((string kind, string name), JsonObject entity) in _entities)
        {
            // What was left out has its default, which is not this test's matter.
            foreach ((string field, JsonNode? value) in entity)
            {
                JsonNode? other = found[(kind, name)][field];
                if (!JsonNode.DeepEquals(value, other))
                    return $"{kind} {name}: {field} is {other?.ToJsonString()}, not {value?.ToJsonString()}";
            }

            // What the catalog has is served.
            if (kind == "disks" && (long?)found[(kind, name)]["state"]?["size"] != (long)entity["size"]!)
                return $"disk {name} is served as {found[(kind, name)]["state"]?.ToJsonString() ?? "nothing"}, not with {entity["size"]} bytes";
        }

        return null;
    }

    private bool IsUsed(string kind, string name) => kind switch
    {
        "volumes" => Users("volume", name),
        "guests" => Users("guest", name),
        _ => false,
    };

    private bool Users(string field, string name) => _entities.Values.Any(entity => entity[field]?.GetValue<string>() == name);

    private CatalogStep? Put(string kind, string name, JsonObject? now)
    {
        JsonObject? body = kind switch
        {
            "guests" => new JsonObject { ["weight"] = random.Next(1, 10_001), ["limit"] = random.Next(3) == 0 ? 50_000 : 0 },
            "volumes" => now is null || !Users("volume", name)
                ? new JsonObject { ["path"] = directory.File($"{name}.img"), ["size"] = VolumeBytes, ["cache"] = "buffered", ["depth"] = random.Next(1, 65) }
                : null,
            "disks" => Disk(name, now),
            "tokens" => now is null ? new JsonObject { ["role"] = random.Next(2) == 0 ? "viewer" : "operator" } : null,
            _ => One("guests") is { } guest
                ? new JsonObject { ["type"] = "unix-uid", ["value"] = (5000 + int.Parse(name[2..], System.Globalization.CultureInfo.InvariantCulture)).ToString(System.Globalization.CultureInfo.InvariantCulture), ["guest"] = guest }
                : null,
        };
        return body is null ? null : new CatalogStep(kind, name, body);
    }

    // Each has an eighth of a volume to itself: it may grow up to there.
    private JsonObject? Disk(string name, JsonObject? now)
    {
        if (now is not null)
        {
            JsonObject grown = now.DeepClone().AsObject();
            grown["size"] = MiB * random.Next(1, 5);
            return grown;
        }

        if (One("guests") is not { } guest || One("volumes") is not { } volume)
            return null;
        int place = int.Parse(name[2..], System.Globalization.CultureInfo.InvariantCulture);
        return new JsonObject { ["volume"] = volume, ["guest"] = guest, ["offset"] = place * 4 * MiB, ["size"] = MiB * random.Next(1, 5) };
    }

    private string? One(string kind)
    {
        string[] names = [.. _entities.Keys.Where(key => key.Kind == kind).Select(key => key.Name)];
        return names.Length == 0 ? null : names[random.Next(names.Length)];
    }
}
