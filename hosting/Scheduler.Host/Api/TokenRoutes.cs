using Scheduler.Actors;
using Scheduler.Host.Api.Access;
using Scheduler.Host.Api.Entities;
using Scheduler.Host.Running;

namespace Scheduler.Host.Api;

/// <summary><c>PUT /tokens/{name}</c>: makes a token. Its secret is in the answer, and nowhere else ever.</summary>
internal static partial class TokenRoutes
{
    /// <summary>Adds the routes.</summary>
    /// <param name="api">Where to.</param>
    /// <param name="routes">How tokens are shown and deleted.</param>
    /// <param name="catalog">Where they are.</param>
    /// <param name="changes">Makes changes.</param>
    /// <param name="logger">Told of the first one.</param>
    public static void Map(
        IEndpointRouteBuilder api, EntityRoutes<CatalogToken, TokenFields, TokenItem> routes, ICatalogService catalog, CatalogRoutes changes, ILogger logger)
    {
        changes.Map(api, routes, states: null, puts: false);
        _ = api.MapPut("/tokens/{name}", (string name, HttpContext context) => PutAsync(routes, catalog, changes, name, context, logger))
            .Describe("putToken", "Makes a token; the answer is the only place where its secret is ever shown")
            .Takes<TokenFields>().Produces<TokenItem>().Produces<TokenItem>(StatusCodes.Status201Created).HasTag().TakesTag().Refuses(400, 409, 412, 413, 415, 503);
    }

    private static async Task<IResult> PutAsync(
        EntityRoutes<CatalogToken, TokenFields, TokenItem> routes, ICatalogService catalog, CatalogRoutes changes, string name, HttpContext context, ILogger logger)
    {
        TokenFields fields = await CatalogRoutes.ReadAsync(CatalogKind.Token, name, context, routes.FieldsJson);
        string secret = TokenSecret.Make();
        bool isFirst = !catalog.State.All<CatalogToken>().Any();
        (CatalogEntry entry, bool isNew) = await changes.ChangeAsync(CatalogKind.Token, name, context, before => routes.Put(name, fields, (CatalogToken?)before) with
        {
            // One that is there keeps what it has.
            Hash = (before as CatalogToken)?.Hash ?? TokenSecret.HashOf(secret),
        });
        if (isNew && isFirst)
            FirstToken(logger, name);
        TokenItem item = routes.Show((CatalogToken)entry.Entity, entry.Revision, entry.IsDeclared);

        // No cache may keep it.
        context.Response.Headers.CacheControl = "no-store";
        return CatalogRoutes.Answer(routes, context, isNew ? item with { Token = secret } : item, isNew);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The first token, {Name}, was made: from now on requests to the admin API need one")]
    private static partial void FirstToken(ILogger logger, string name);
}
