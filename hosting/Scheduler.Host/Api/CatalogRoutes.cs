using System.Globalization;
using System.Text.Json.Serialization.Metadata;
using Scheduler.Actors;
using Scheduler.Host.Api.Access;
using Scheduler.Host.Api.Entities;
using Scheduler.Host.Running;

namespace Scheduler.Host.Api;

/// <summary>What the routes of one kind of entity differ in.</summary>
/// <typeparam name="TEntity">The entity.</typeparam>
/// <typeparam name="TFields">What a client says of it.</typeparam>
/// <typeparam name="TItem">What a client is shown.</typeparam>
/// <param name="Kind">The kind.</param>
/// <param name="Plural">Its part of the address, e.g. <c>volumes</c>.</param>
/// <param name="Put">The entity that a client's fields make of an earlier one.</param>
/// <param name="Show">An entity as it is shown.</param>
/// <param name="FieldsJson">Reads bodies.</param>
/// <param name="ItemJson">Writes one.</param>
/// <param name="PageJson">Writes many.</param>
internal sealed record EntityRoutes<TEntity, TFields, TItem>(
    CatalogKind Kind,
    string Plural,
    Func<string, TFields, TEntity?, TEntity> Put,
    Func<TEntity, long, bool, TItem> Show,
    JsonTypeInfo<TFields> FieldsJson,
    JsonTypeInfo<TItem> ItemJson,
    JsonTypeInfo<Page<TItem>> PageJson)
    where TEntity : CatalogEntity
    where TFields : EntityFields
    where TItem : TFields, IEntityItem;

/// <summary>
/// The catalog: <c>GET /volumes</c>, and <c>GET</c>, <c>PUT</c> and <c>DELETE /volumes/{name}</c>; so for each kind.
/// </summary>
/// <param name="catalog">The catalog.</param>
/// <param name="logger">For what was changed, and by whom.</param>
internal sealed partial class CatalogRoutes(ICatalogService catalog, ILogger logger)
{
    /// <summary>A change that says nothing of revisions is tried so often while others change the same entity.</summary>
    private const int TriesMax = 8;

    /// <summary>The name in the address.</summary>
    /// <param name="kind">What it names.</param>
    /// <param name="name">The name.</param>
    /// <exception cref="ApiRefusal">It is none.</exception>
    public static void CheckName(CatalogKind kind, string name)
    {
        if (!CatalogLimits.IsName(name))
        {
            throw new ApiRefusal(
                StatusCodes.Status400BadRequest, $"'{ApiRefusal.Shown(name)}' is not a name for a {KindWords.Of(kind)}: {CatalogLimits.NameRule}");
        }
    }

    /// <summary>Adds the routes of a kind.</summary>
    /// <param name="api">Where to.</param>
    /// <param name="routes">The kind.</param>
    /// <param name="states">Called once for each request: gives what adds what an entity does now; null: there is nothing to add.</param>
    /// <param name="puts">Whether <c>PUT</c> is added too.</param>
    public void Map<TEntity, TFields, TItem>(
        IEndpointRouteBuilder api, EntityRoutes<TEntity, TFields, TItem> routes, Func<Func<TItem, TItem>>? states, bool puts = true)
        where TEntity : CatalogEntity
        where TFields : EntityFields
        where TItem : TFields, IEntityItem
    {
        string word = KindWords.Of(routes.Kind);
        string title = CultureInfo.InvariantCulture.TextInfo.ToTitleCase(word);
        string one = $"/{routes.Plural}/{{name}}";
        states ??= () => item => item;
        _ = api.MapGet($"/{routes.Plural}", (string? limit, string? after) => List(routes, states(), limit, after))
            .Describe($"list{title}", $"The {routes.Plural}, by name")
            .Produces<Page<TItem>>().Refuses(400);
        _ = api.MapGet(one, (string name, HttpContext context) => Get(routes, states, name, context))
            .Describe($"get{title}", $"One {word}")
            .Produces<TItem>().HasTag().Refuses(400, 404);
        if (puts)
        {
            _ = api.MapPut(one, (string name, HttpContext context) => PutAsync(routes, states, name, context))
                .Describe($"put{title}", $"Makes or changes a {word}")
                .Takes<TFields>().Produces<TItem>().Produces<TItem>(StatusCodes.Status201Created).HasTag().TakesTag().Refuses(400, 409, 412, 413, 415, 503);
        }

        Delegate delete = routes.Kind == CatalogKind.Identity
            ? (string name, string? open, HttpContext context) => DeleteAsync(routes.Kind, name, context, open)
            : (string name, HttpContext context) => DeleteAsync(routes.Kind, name, context);
        _ = api.MapDelete(one, delete)
            .Describe($"delete{title}", $"Deletes a {word} that nothing uses")
            .Produces(StatusCodes.Status204NoContent).TakesTag().Refuses(400, 404, 409, 412, 503);
    }

    /// <summary>Puts an entity, as often as it takes if the client does not say which revision it means.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="name">Its name.</param>
    /// <param name="context">The request.</param>
    /// <param name="put">The entity to be put, of the one that is there now.</param>
    /// <returns>The entity as it is now, and whether it is new.</returns>
    /// <exception cref="ApiRefusal">It is refused.</exception>
    public async Task<(CatalogEntry Entry, bool IsNew)> ChangeAsync(CatalogKind kind, string name, HttpContext context, Func<CatalogEntity?, CatalogEntity> put)
    {
        string by = Caller.Of(context).Name;
        for (int tries = 1; ; tries++)
        {
            // What is left out keeps the value that it has in this revision, so this revision has to be the one that is changed.
            CatalogEntry? now = catalog.State.Find(kind, name);
            bool isBound = Preconditions.Check(context.Request, $"{KindWords.Of(kind)} {name}", now);
            CatalogAnswer answer = await catalog.ChangeAsync(new PutEntity(put(now?.Entity), by, now?.Revision ?? 0), context.RequestAborted);
            if (answer.Entry is { } entry)
            {
                if (entry.Revision != now?.Revision)
                    Changed(logger, KindWords.Of(kind), name, now is null ? "made" : "changed", entry.Revision, by);
                return (entry, now is null);
            }

            if (answer.Refusal!.Problem != CatalogProblem.RevisionDiffers || isBound || tries == TriesMax)
                throw ApiRefusal.Of(answer.Refusal);
        }
    }

    /// <summary>Writes an entity, with its tag.</summary>
    /// <param name="routes">The kind.</param>
    /// <param name="context">The request.</param>
    /// <param name="item">What is shown.</param>
    /// <param name="isNew">Whether it was made just now.</param>
    /// <returns>The answer.</returns>
    public static IResult Answer<TEntity, TFields, TItem>(EntityRoutes<TEntity, TFields, TItem> routes, HttpContext context, TItem item, bool isNew)
        where TEntity : CatalogEntity
        where TFields : EntityFields
        where TItem : TFields, IEntityItem
    {
        context.Response.GetTypedHeaders().ETag = Preconditions.TagOf(item.Revision);
        if (isNew)
            context.Response.Headers.Location = $"{AdminApi.Prefix}/{routes.Plural}/{item.Name}";
        return Results.Json(item, routes.ItemJson, statusCode: isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private IResult List<TEntity, TFields, TItem>(EntityRoutes<TEntity, TFields, TItem> routes, Func<TItem, TItem> withState, string? limit, string? after)
        where TEntity : CatalogEntity
        where TFields : EntityFields
        where TItem : TFields, IEntityItem
    {
        int count = Paging.Limit(limit);
        if (after is not null)
            CheckName(routes.Kind, after);
        IEnumerable<CatalogEntry> sorted = catalog.State.Entries
            .Where(entry => entry.Entity.Kind == routes.Kind && (after is null || string.CompareOrdinal(entry.Entity.Name, after) > 0));
        Page<CatalogEntry> page = Paging.Cut(sorted, count, entry => entry.Entity.Name);
        return Results.Json(new Page<TItem>([.. page.Items.Select(entry => withState(Show(routes, entry)))], page.Next), routes.PageJson);
    }

    private IResult Get<TEntity, TFields, TItem>(EntityRoutes<TEntity, TFields, TItem> routes, Func<Func<TItem, TItem>> states, string name, HttpContext context)
        where TEntity : CatalogEntity
        where TFields : EntityFields
        where TItem : TFields, IEntityItem
    {
        CheckName(routes.Kind, name);
        return catalog.State.Find(routes.Kind, name) is { } entry
            ? Answer(routes, context, states()(Show(routes, entry)), isNew: false)
            : throw new ApiRefusal(StatusCodes.Status404NotFound, $"there is no {KindWords.Of(routes.Kind)} {name}");
    }

    private async Task<IResult> PutAsync<TEntity, TFields, TItem>(
        EntityRoutes<TEntity, TFields, TItem> routes, Func<Func<TItem, TItem>> states, string name, HttpContext context)
        where TEntity : CatalogEntity
        where TFields : EntityFields
        where TItem : TFields, IEntityItem
    {
        TFields fields = await ReadAsync(routes.Kind, name, context, routes.FieldsJson);
        (CatalogEntry entry, bool isNew) = await ChangeAsync(routes.Kind, name, context, before => routes.Put(name, fields, (TEntity?)before));
        return Answer(routes, context, states()(Show(routes, entry)), isNew);
    }

    /// <summary>Reads what a client says of an entity.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="name">Its name in the address.</param>
    /// <param name="context">The request.</param>
    /// <param name="json">Reads the body.</param>
    /// <returns>What it says.</returns>
    /// <exception cref="ApiRefusal">The body can't be taken.</exception>
    public static async Task<TFields> ReadAsync<TFields>(CatalogKind kind, string name, HttpContext context, JsonTypeInfo<TFields> json)
        where TFields : EntityFields
    {
        CheckName(kind, name);
        TFields fields = await RequestBody.ReadAsync(context.Request, json);
        return fields.Name is null || fields.Name == name
            ? fields
            : throw new ApiRefusal(
                StatusCodes.Status400BadRequest, $"name is '{ApiRefusal.Shown(fields.Name)}', and the address names {name}; a {KindWords.Of(kind)} keeps its name");
    }

    private async Task<IResult> DeleteAsync(CatalogKind kind, string name, HttpContext context, string? open = null)
    {
        CheckName(kind, name);
        if (open is not (null or "true" or "false"))
            throw new ApiRefusal(StatusCodes.Status400BadRequest, $"open is '{ApiRefusal.Shown(open)}'; it has to be true, where the last identity may go, or false");
        string by = Caller.Of(context).Name;
        CatalogEntry? now = catalog.State.Find(kind, name);
        bool isBound = Preconditions.Check(context.Request, $"{KindWords.Of(kind)} {name}", now);
        CatalogAnswer answer = await catalog.ChangeAsync(new DeleteEntity(kind, name, by, isBound ? now?.Revision ?? 0 : null, open == "true"), context.RequestAborted);
        if (answer.Refusal is not null)
            throw ApiRefusal.Of(answer.Refusal);
        Deleted(logger, KindWords.Of(kind), name, by);
        if (kind == CatalogKind.Token && !catalog.State.All<CatalogToken>().Any())
            NoTokenLeft(logger);
        return Results.NoContent();
    }

    private static TItem Show<TEntity, TFields, TItem>(EntityRoutes<TEntity, TFields, TItem> routes, CatalogEntry entry)
        where TEntity : CatalogEntity
        where TFields : EntityFields
        where TItem : TFields, IEntityItem =>
        routes.Show((TEntity)entry.Entity, entry.Revision, entry.IsDeclared);

    [LoggerMessage(Level = LogLevel.Information, Message = "The {Kind} {Name} was {What}, revision {Revision}, by {By}")]
    private static partial void Changed(ILogger logger, string kind, string name, string what, long revision, string by);

    [LoggerMessage(Level = LogLevel.Information, Message = "The {Kind} {Name} was deleted by {By}")]
    private static partial void Deleted(ILogger logger, string kind, string name, string by);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The last token was deleted: whoever reaches the admin address from this machine is its operator again")]
    private static partial void NoTokenLeft(ILogger logger);
}
